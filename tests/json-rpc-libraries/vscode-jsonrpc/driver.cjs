// Drives the server with vscode-jsonrpc as it comes. The README beside this folder tells what is
// printed.
'use strict';

const { spawn } = require('node:child_process');
const {
  CancellationTokenSource,
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} = require('vscode-jsonrpc/node');

async function main() {
  const child = spawn(process.env.BYOKEY, ['app-server'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  const seen = { notified: [], asked: [], said: '' };
  connection.onNotification((method) => seen.notified.push(method));
  connection.onNotification('item/agentMessage/delta', ({ delta }) => { seen.said += delta; });
  const completed = new Promise((resolve) => connection.onNotification('turn/completed', resolve));
  connection.onRequest('account/chatgptAuthTokens/refresh', (params) => {
    seen.asked.push(params);
    return { accessToken: process.env.NEW_TOKEN, chatgptAccountId: 'ws-1' };
  });
  connection.listen();

  const code = (request) => request.then(() => 0, (error) => error.code);
  await connection.sendRequest('initialize', { clientInfo: { name: 'driver', version: '1' } });
  await connection.sendNotification('initialized');
  const login = { type: 'chatgptAuthTokens', accessToken: process.env.OLD_TOKEN, chatgptAccountId: 'ws-1' };
  await connection.sendRequest('account/login/start', login);
  const { account } = await connection.sendRequest('account/read');
  const notified = [...seen.notified];
  const { rateLimits } = await connection.sendRequest('account/rateLimits/read');
  const unknownMethod = await code(connection.sendRequest('no/such/method'));
  const source = new CancellationTokenSource();
  const cancelled = code(connection.sendRequest('account/usage/read', {}, source.token));
  source.cancel();
  const { thread } = await connection.sendRequest('thread/start', {});
  const input = [{ type: 'text', text: 'Hello' }];
  await connection.sendRequest('turn/start', { threadId: thread.id, input });
  const { turn } = await completed;

  const exited = new Promise((resolve) => child.on('exit', resolve));
  const report = {
    account: account.email,
    notified,
    asked: seen.asked,
    usedPercent: rateLimits.primary.usedPercent,
    unknownMethod,
    cancelled: await cancelled,
    turn: turn.status,
    said: seen.said,
  };
  connection.end();
  console.log(JSON.stringify({ ...report, exitCode: await exited }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
