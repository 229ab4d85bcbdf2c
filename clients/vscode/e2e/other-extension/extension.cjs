// Another extension, which asks for a session of byokey and shows what it got, but no token. It shows
// as well what a window learns of the secret storage of another.

const vscode = require("vscode");

exports.activate = (context) => {
  let heard = 0;
  const store = () => context.secrets.store("note", "made up");
  const tell = async () => {
    const note = (await context.secrets.get("note")) ?? "nothing";
    void vscode.window.showInformationMessage(`other: heard of ${heard} changes, reads ${note}`);
  };
  const ask = async () => {
    try {
      const session = await vscode.authentication.getSession("byokey", ["chatgpt"], { createIfNone: true });
      void vscode.window.showInformationMessage(`other: ${session.account.label}, a token of ${session.accessToken.length} characters`);
    } catch (error) {
      void vscode.window.showInformationMessage(`other: no session, ${error.message}`);
    }
  };
  const share = () => vscode.workspace.getConfiguration("byokey").update("shareSessions", true, vscode.ConfigurationTarget.Global);
  context.subscriptions.push(
    context.secrets.onDidChange(() => (heard += 1)),
    vscode.commands.registerCommand("other.store", store),
    vscode.commands.registerCommand("other.tell", tell),
    vscode.commands.registerCommand("other.ask", ask),
    vscode.commands.registerCommand("other.share", share),
  );
};
