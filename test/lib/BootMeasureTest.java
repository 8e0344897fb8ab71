package lib;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import demo.TestGuest;
import java.io.IOException;
import java.nio.file.Path;
import lib.tool.Failure;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class BootMeasureTest {
    private static final int MIB = 1 << 20;

    @TempDir
    Path folder;

    @Test
    void measures_unpacking_memory_and_start_of_a_real_boot() throws IOException {
        Path kernel = TestGuest.kernel();
        Path initrd = folder.resolve("initrd");
        TestGuest.writeInitrd(initrd, folder.resolve("scratch"));
        BootMeasure measure = new BootMeasure(TestTools.in(folder), 512);

        BootMeasure.Measured measured = measure.of(kernel, initrd, BootContract.parse("test", "must guest: ready\nwithin 180\n"), folder.resolve("machine"));

        assertThat(measured.unpackSeconds()).isBetween(0.001, 60.0);
        assertThat(measured.peakBytes()).isBetween(initrd.toFile().length(), 512L * MIB);
        assertThat(measured.startSeconds()).isPositive().isLessThan(measured.bootSeconds());
        assertThatThrownBy(() -> measure.of(kernel, initrd, BootContract.parse("test", "must never said\nmust-not guest: ready\nwithin 180\n"), folder.resolve("machine")))
                .isInstanceOf(Failure.class).hasMessageContaining("guest: ready");
    }
}
