package lib.tool;

import io.minio.AbortMultipartUploadArgs;
import io.minio.CompleteMultipartUploadArgs;
import io.minio.CreateMultipartUploadArgs;
import io.minio.Http;
import io.minio.ListMultipartUploadsArgs;
import io.minio.MinioAsyncClient;
import io.minio.UploadPartArgs;
import io.minio.errors.MinioException;
import io.minio.messages.ListMultipartUploadsResult;
import io.minio.messages.Part;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Uploads of long files in parts, and what is left of those that were never finished. */
final class S3Parts {
    private final MinioAsyncClient client;
    private final String bucket;
    private final S3Retry retry;

    S3Parts(MinioAsyncClient client, String bucket, S3Retry retry) {
        this.client = client;
        this.bucket = bucket;
        this.retry = retry;
    }

    /**
     * Sends a file; its parts are removed again when that fails. False when the server knows no such upload at its end: then either
     * an answer was lost or somebody removed the parts, and the object itself tells which.
     */
    boolean send(String key, RandomAccessFile file, S3.Kind kind, Map<String, String> more, boolean conditions) throws IOException {
        Http.Headers headers = new Http.Headers(Map.of("Content-Type", kind.contentType(), "Cache-Control", kind.cacheControl()));
        more.forEach(headers::set);
        String id = retry.run("begin to write " + key, () -> S3.get(client.createMultipartUpload(CreateMultipartUploadArgs.builder()
                .bucket(bucket).object(key).headers(headers).build())).result().uploadId());
        boolean done = false;
        try {
            List<Part> parts = new ArrayList<>();
            for (long at = 0; at < file.length(); at += S3.PART) {
                parts.add(part(key, id, parts.size() + 1, bytes(file, at)));
            }
            done = complete(key, id, parts, conditions);
            return done;
        } finally {
            if (!done) {
                abort(key, id);
            }
        }
    }

    private Part part(String key, String id, int number, byte[] bytes) {
        return retry.run("write part " + number + " of " + key, () -> S3.get(client.uploadPart(UploadPartArgs.builder().data(bytes, bytes.length)
                .bucket(bucket).object(key).uploadId(id).partNumber(number).build())).part());
    }

    /** At most one part of a file. */
    static byte[] bytes(RandomAccessFile file, long at) throws IOException {
        byte[] bytes = new byte[(int) Math.min(S3.PART, file.length() - at)];
        file.seek(at);
        file.readFully(bytes);
        return bytes;
    }

    private boolean complete(String key, String id, List<Part> parts, boolean conditions) {
        Map<String, String> condition = conditions ? Map.of(S3.Condition.ABSENT.header(), S3.Condition.ABSENT.value()) : Map.of();
        boolean[] taken = {false};
        return retry.unless(404, "finish writing " + key, () -> {
            try {
                if (S3.get(client.completeMultipartUpload(CompleteMultipartUploadArgs.builder().bucket(bucket).object(key).uploadId(id)
                        .parts(parts.toArray(Part[]::new)).extraHeaders(condition).build())).etag() == null) {
                    throw new IOException("no answer to the end of the upload");
                }
            } catch (MinioException e) {
                taken[0] = S3Retry.status(e) == 412;
                if (!taken[0]) {
                    throw e;
                }
            }
        }) && !taken[0];
    }

    /** Whether the parts were there and this key may remove them. */
    private boolean abort(String key, String id) {
        return retry.tidying("remove the parts of " + key, () -> S3.get(client.abortMultipartUpload(AbortMultipartUploadArgs.builder()
                .bucket(bucket).object(key).uploadId(id).build()))).isPresent();
    }

    /** Aborts uploads below {@code prefix} that began longer than {@code age} ago; returns their keys. A key that may not do it finds none. */
    List<String> abortAbandoned(String prefix, Duration age) {
        List<ListMultipartUploadsResult.Upload> all = retry.tidying("list unfinished uploads", () -> S3.get(client.listMultipartUploads(
                ListMultipartUploadsArgs.builder().bucket(bucket).prefix(prefix).maxUploads(1000).build())).result().uploads()).orElse(List.of());
        List<String> aborted = new ArrayList<>();
        Instant limit = Instant.now().minus(age);
        for (ListMultipartUploadsResult.Upload upload : all) {
            if (upload.objectName().startsWith(prefix) && !upload.initiated().toInstant().isAfter(limit) && abort(upload.objectName(), upload.uploadId())) {
                aborted.add(upload.objectName());
            }
        }
        return aborted;
    }
}
