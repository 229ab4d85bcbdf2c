package driver;

import com.google.gson.Gson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.eclipse.lsp4j.jsonrpc.Launcher;
import org.eclipse.lsp4j.jsonrpc.ResponseErrorException;

/** Drives the server with LSP4J as it comes. The README tells what is printed. */
public final class Driver {
  private static final int PATIENCE = 20;

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(PATIENCE, TimeUnit.SECONDS);
  }

  private static int codeOf(CompletableFuture<?> request) throws Exception {
    try {
      get(request);
      return 0;
    } catch (CancellationException cancelled) {
      // LSP4J settles the future itself, and sends $/cancelRequest.
      return -32800;
    } catch (ExecutionException failed) {
      return ((ResponseErrorException) failed.getCause()).getResponseError().getCode();
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> member(Map<String, Object> object, String name) {
    return (Map<String, Object>) object.get(name);
  }

  public static void main(String[] arguments) throws Exception {
    Process child =
        new ProcessBuilder(System.getenv("BYOKEY"), "app-server")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    Host host = new Host();
    Launcher<Server> launcher =
        Launcher.createLauncher(host, Server.class, child.getInputStream(), child.getOutputStream());
    launcher.startListening();
    Server server = launcher.getRemoteProxy();

    get(server.initialize(Map.of("clientInfo", Map.of("name", "driver", "version", "1"))));
    server.initialized();
    String token = System.getenv("OLD_TOKEN");
    get(
        server.login(
            Map.of("type", "chatgptAuthTokens", "accessToken", token, "chatgptAccountId", "ws-1")));
    Map<String, Object> account = member(get(server.account()), "account");
    List<String> notified = new ArrayList<>(host.notified);
    Map<String, Object> limits = member(get(server.rateLimits()), "rateLimits");
    int unknownMethod = codeOf(server.unknown());
    CompletableFuture<?> doomed = server.usage();
    doomed.cancel(true);
    int cancelled = codeOf(doomed);
    Map<String, Object> thread = member(get(server.startThread(Map.of())), "thread");
    get(
        server.startTurn(
            Map.of(
                "threadId", thread.get("id"),
                "input", List.of(Map.of("type", "text", "text", "Hello")))));
    Map<String, Object> turn = member(get(host.completed), "turn");

    child.getOutputStream().close();
    boolean ended = child.waitFor(PATIENCE, TimeUnit.SECONDS);
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("account", account.get("email"));
    report.put("notified", notified);
    report.put("asked", host.asked);
    report.put("usedPercent", member(limits, "primary").get("usedPercent"));
    report.put("unknownMethod", unknownMethod);
    report.put("cancelled", cancelled);
    report.put("turn", turn.get("status"));
    report.put("said", host.said.toString());
    report.put("exitCode", ended ? child.exitValue() : -1);
    System.out.println(new Gson().toJson(report));
    System.exit(0);
  }
}
