package driver;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.lsp4j.jsonrpc.services.JsonNotification;
import org.eclipse.lsp4j.jsonrpc.services.JsonRequest;

/** What the server may ask and tell. */
public final class Host {
  final List<Object> asked = new CopyOnWriteArrayList<>();
  final List<String> notified = new CopyOnWriteArrayList<>();
  final StringBuffer said = new StringBuffer();
  final CompletableFuture<Map<String, Object>> completed = new CompletableFuture<>();

  @JsonRequest("account/chatgptAuthTokens/refresh")
  public CompletableFuture<Map<String, Object>> refresh(Map<String, Object> params) {
    asked.add(params);
    return CompletableFuture.completedFuture(
        Map.of("accessToken", System.getenv("NEW_TOKEN"), "chatgptAccountId", "ws-1"));
  }

  @JsonNotification("account/login/completed")
  public void loginCompleted(Map<String, Object> params) {
    notified.add("account/login/completed");
  }

  @JsonNotification("account/updated")
  public void accountUpdated(Map<String, Object> params) {
    notified.add("account/updated");
  }

  @JsonNotification("item/agentMessage/delta")
  public void delta(Map<String, Object> params) {
    said.append(params.get("delta"));
  }

  @JsonNotification("turn/completed")
  public void turnCompleted(Map<String, Object> params) {
    completed.complete(params);
  }
}
