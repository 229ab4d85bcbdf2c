package driver;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.eclipse.lsp4j.jsonrpc.services.JsonNotification;
import org.eclipse.lsp4j.jsonrpc.services.JsonRequest;

/** The server's methods, as far as the driver calls them. */
public interface Server {
  @JsonRequest("initialize")
  CompletableFuture<Map<String, Object>> initialize(Map<String, Object> params);

  @JsonNotification("initialized")
  void initialized();

  @JsonRequest("account/login/start")
  CompletableFuture<Map<String, Object>> login(Map<String, Object> params);

  @JsonRequest("account/read")
  CompletableFuture<Map<String, Object>> account();

  @JsonRequest("account/rateLimits/read")
  CompletableFuture<Map<String, Object>> rateLimits();

  @JsonRequest("account/usage/read")
  CompletableFuture<Map<String, Object>> usage();

  @JsonRequest("no/such/method")
  CompletableFuture<Map<String, Object>> unknown();

  @JsonRequest("thread/start")
  CompletableFuture<Map<String, Object>> startThread(Map<String, Object> params);

  @JsonRequest("turn/start")
  CompletableFuture<Map<String, Object>> startTurn(Map<String, Object> params);
}
