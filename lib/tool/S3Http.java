package lib.tool;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.Dispatcher;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okio.Buffer;
import okio.BufferedSink;
import okio.ForwardingSink;
import okio.Okio;

/** The HTTP client below {@link S3}: time limits, own certificate authorities, bytes counted for progress bars. */
final class S3Http implements AutoCloseable {
    private final OkHttpClient client;
    private volatile Progress progress;

    S3Http(S3.Place place) {
        OkHttpClient.Builder builder = new OkHttpClient.Builder().connectTimeout(Duration.ofSeconds(Math.min(20, place.patience().toSeconds())))
                .readTimeout(place.patience()).writeTimeout(place.patience()).addInterceptor(chain -> chain.proceed(counted(chain.request())));
        Dispatcher dispatcher = new Dispatcher();
        dispatcher.setMaxRequestsPerHost(16);
        builder.dispatcher(dispatcher);
        place.certificates().ifPresent(file -> trust(builder, file));
        client = builder.build();
    }

    OkHttpClient client() {
        return client;
    }

    /** Bytes of request bodies are added to this bar from now on; null ends it. */
    void report(Progress bar) {
        progress = bar;
    }

    private Request counted(Request request) {
        RequestBody body = request.body();
        Progress bar = progress;
        return body == null || bar == null ? request : request.newBuilder().method(request.method(), new Counted(body, bar)).build();
    }

    private static final class Counted extends RequestBody {
        private final RequestBody body;
        private final Progress bar;

        private Counted(RequestBody body, Progress bar) {
            this.body = body;
            this.bar = bar;
        }

        @Override
        public MediaType contentType() {
            return body.contentType();
        }

        @Override
        public long contentLength() throws IOException {
            return body.contentLength();
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            BufferedSink counting = Okio.buffer(new ForwardingSink(sink) {
                @Override
                public void write(Buffer source, long bytes) throws IOException {
                    super.write(source, bytes);
                    bar.add(bytes);
                }
            });
            body.writeTo(counting);
            counting.flush();
        }
    }

    private static void trust(OkHttpClient.Builder builder, Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            Collection<? extends Certificate> certificates = CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (certificates.isEmpty()) {
                throw Failure.usage(file + " holds no certificate", "S3_CA_FILE wants a PEM file");
            }
            KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
            own.load(null, null);
            int number = 0;
            for (Certificate certificate : certificates) {
                own.setCertificateEntry("own" + number++, certificate);
            }
            X509TrustManager usual = manager(null);
            for (Certificate certificate : usual.getAcceptedIssuers()) {
                own.setCertificateEntry("usual" + number++, certificate);
            }
            X509TrustManager both = manager(own);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {both}, null);
            builder.sslSocketFactory(context.getSocketFactory(), both);
        } catch (IOException e) {
            throw Failure.io("cannot read S3_CA_FILE " + file, e);
        } catch (GeneralSecurityException e) {
            throw Failure.usage(file + " is not a PEM file of certificates: " + e.getMessage(), "look at S3_CA_FILE");
        }
    }

    private static X509TrustManager manager(KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return List.of(factory.getTrustManagers()).stream().filter(X509TrustManager.class::isInstance).map(X509TrustManager.class::cast)
                .findFirst().orElseThrow();
    }

    /** Lets the threads and connections go, so that the process can end. */
    @Override
    public void close() {
        client.dispatcher().executorService().shutdown();
        client.connectionPool().evictAll();
        try {
            client.dispatcher().executorService().awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
