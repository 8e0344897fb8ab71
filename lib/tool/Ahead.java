package lib.tool;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/** A value that another thread works out while this one does something else; a failure of it appears where the value is asked for. */
public final class Ahead<T> {
    private final FutureTask<T> task;

    private Ahead(FutureTask<T> task) {
        this.task = task;
    }

    /** Begins at once, in a thread of its own that keeps no program alive. */
    public static <T> Ahead<T> begin(Supplier<T> work) {
        return begin(work, task -> {
            Thread thread = new Thread(task, "ahead");
            thread.setDaemon(true);
            thread.start();
        });
    }

    /** Begins as soon as the executor has a thread for it. */
    public static <T> Ahead<T> begin(Supplier<T> work, Executor threads) {
        FutureTask<T> task = new FutureTask<>(work::get);
        threads.execute(task);
        return new Ahead<>(task);
    }

    /** Waits until the work has ended, whatever came of it. */
    public void settle() {
        try {
            task.get();
        } catch (ExecutionException e) {
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The value, once it is there; throws what the work threw. */
    public T get() {
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure("interrupted while waiting", "", e);
        }
    }
}
