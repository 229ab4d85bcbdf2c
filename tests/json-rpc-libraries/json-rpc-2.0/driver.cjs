// Drives the server with json-rpc-2.0 as it comes. The library leaves framing to its user: one
// message per line here. The README beside this folder tells what is printed.
'use strict';

const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } = require('json-rpc-2.0');

async function main() {
  const child = spawn(process.env.BYOKEY, ['app-server'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const send = (message) => { child.stdin.write(`${JSON.stringify(message)}\n`); };
  const peer = new JSONRPCServerAndClient(
    new JSONRPCServer(),
    new JSONRPCClient(async (message) => send(message)),
  );
  createInterface({ input: child.stdout }).on('line', async (line) => {
    const message = JSON.parse(line);
    if (message.method && message.id === undefined) seen.notified.push(message.method);
    await peer.receiveAndSend(message);
  });
  const seen = { notified: [], asked: [], said: '' };
  peer.addMethod('account/chatgptAuthTokens/refresh', (params) => {
    seen.asked.push(params);
    return { accessToken: process.env.NEW_TOKEN, chatgptAccountId: 'ws-1' };
  });
  peer.addMethod('item/agentMessage/delta', ({ delta }) => { seen.said += delta; });
  const completed = new Promise((resolve) => peer.addMethod('turn/completed', resolve));

  const code = (request) => request.then(() => 0, (error) => error.code);
  await peer.request('initialize', { clientInfo: { name: 'driver', version: '1' } });
  peer.notify('initialized');
  const login = { type: 'chatgptAuthTokens', accessToken: process.env.OLD_TOKEN, chatgptAccountId: 'ws-1' };
  await peer.request('account/login/start', login);
  const { account } = await peer.request('account/read');
  const notified = [...seen.notified];
  const { rateLimits } = await peer.request('account/rateLimits/read');
  const unknownMethod = await code(peer.request('no/such/method'));
  const doomed = peer.client.requestAdvanced({ jsonrpc: '2.0', id: 'doomed', method: 'account/usage/read' });
  peer.notify('$/cancelRequest', { id: 'doomed' });
  const cancelled = (await doomed).error.code;
  const { thread } = await peer.request('thread/start', {});
  const input = [{ type: 'text', text: 'Hello' }];
  await peer.request('turn/start', { threadId: thread.id, input });
  const { turn } = await completed;

  const exited = new Promise((resolve) => child.on('exit', resolve));
  child.stdin.end();
  console.log(JSON.stringify({
    account: account.email,
    notified,
    asked: seen.asked,
    usedPercent: rateLimits.primary.usedPercent,
    unknownMethod,
    cancelled,
    turn: turn.status,
    said: seen.said,
    exitCode: await exited,
  }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
