package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * How this program reaches HTTP servers: through the proxy that {@code http_proxy}, {@code https_proxy}, {@code all_proxy} and
 * {@code no_proxy} name, as curl does, and trusting the certificates of {@code SSL_CERT_FILE} where that is set.
 */
final class HttpConnections {
    private static final Duration CONNECT = Duration.ofSeconds(20);

    private HttpConnections() { }

    /**
     * Looks for what handles http: addresses. The JDK does that once, in every jar of the class path, which takes longer than a mirror on
     * the same network to answer.
     */
    static void load() {
        try {
            URI.create("http://localhost/").toURL();
        } catch (java.net.MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A client that speaks TLS and follows redirects. */
    static HttpClient client(Map<String, String> environment) {
        HttpClient.Builder builder = builder(environment).followRedirects(HttpClient.Redirect.NORMAL);
        variable(environment, "SSL_CERT_FILE").ifPresent(file -> builder.sslContext(trusting(Path.of(file))));
        return builder.build();
    }

    /**
     * A connection for http: only, which follows no redirects. The JDK's older client needs no threads, no TLS and no certificates, which
     * would take longer to load than a mirror on the same network to answer.
     *
     * @param stall how long the server may send nothing
     */
    static HttpURLConnection plain(URI uri, Map<String, String> environment, Duration stall) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection(new Proxies(environment).select(uri).get(0));
        connection.setInstanceFollowRedirects(false);
        connection.setConnectTimeout((int) CONNECT.toMillis());
        connection.setReadTimeout((int) stall.toMillis());
        return connection;
    }

    private static HttpClient.Builder builder(Map<String, String> environment) {
        return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT).proxy(new Proxies(environment));
    }

    private static Optional<String> variable(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).or(() -> Optional.ofNullable(environment.get(name.toUpperCase(Locale.ROOT))))
                .filter(value -> !value.isBlank());
    }

    /** Trusts the certificates in a PEM file and no others. */
    private static SSLContext trusting(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            int number = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + number++, certificate);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw Failure.usage("SSL_CERT_FILE=" + file + " cannot be read as PEM certificates: " + e.getMessage(), "");
        }
    }

    /** Proxies by the usual environment variables. Credentials in their URLs are not supported. */
    static final class Proxies extends ProxySelector {
        private final Map<String, String> environment;

        Proxies(Map<String, String> environment) {
            this.environment = environment;
        }

        @Override
        public List<Proxy> select(URI uri) {
            if (direct(uri.getHost())) {
                return List.of(Proxy.NO_PROXY);
            }
            return variable(environment, uri.getScheme() + "_proxy").or(() -> variable(environment, "all_proxy")).map(text -> {
                URI proxy = URI.create(text.contains("://") ? text : "http://" + text);
                if (proxy.getHost() == null || !"http".equals(proxy.getScheme())) {
                    throw Failure.usage("the proxy for " + uri.getScheme() + " is not http://HOST:PORT", "check the environment variable");
                }
                return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.getHost(), proxy.getPort() < 0 ? 80 : proxy.getPort())));
            }).orElse(List.of(Proxy.NO_PROXY));
        }

        private boolean direct(String host) {
            return variable(environment, "no_proxy").map(list -> {
                for (String entry : list.split("[,\\s]+")) {
                    String domain = entry.startsWith(".") ? entry.substring(1) : entry;
                    if (entry.equals("*") || !domain.isEmpty() && (host.equalsIgnoreCase(domain) || host.toLowerCase(Locale.ROOT).endsWith("."
                            + domain.toLowerCase(Locale.ROOT)))) {
                        return true;
                    }
                }
                return false;
            }).orElse(false);
        }

        @Override
        public void connectFailed(URI uri, SocketAddress address, IOException e) {
            // The request that failed reports it.
        }
    }
}
