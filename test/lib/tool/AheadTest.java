package lib.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Work in a thread of its own. */
class AheadTest {
    @Test
    void goes_on_while_the_caller_does_something_else() {
        CountDownLatch elsewhere = new CountDownLatch(1);
        Ahead<String> ahead = Ahead.begin(() -> {
            try {
                elsewhere.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return Thread.currentThread().getName();
        });
        elsewhere.countDown();
        assertThat(ahead.get()).isEqualTo("ahead");
    }

    @Test
    void throws_the_failure_of_the_work_as_it_was() {
        Failure failure = new Failure("no mirror has it", "use another one");
        Ahead<String> ahead = Ahead.begin(() -> {
            throw failure;
        });
        ahead.settle();
        assertThatThrownBy(ahead::get).isSameAs(failure);
    }

    @Test
    void settles_only_when_the_work_has_ended() {
        AtomicBoolean ended = new AtomicBoolean();
        Ahead<Boolean> ahead = Ahead.begin(() -> {
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            ended.set(true);
            throw new IllegalStateException("broken");
        });
        ahead.settle();
        assertThat(ended).isTrue();
    }
}
