// Another extension, which asks for a session of byokey and shows what it got, but no token.

const vscode = require("vscode");

exports.activate = (context) => {
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
    vscode.commands.registerCommand("other.ask", ask),
    vscode.commands.registerCommand("other.share", share),
  );
};
