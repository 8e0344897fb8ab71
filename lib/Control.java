package lib;

import java.util.Map;

/** The way to a hypervisor that runs already. Each request says whether the hypervisor was there to take it. */
interface Control {
    /** What the hypervisor says that the guest does: {@code running}, {@code paused}; {@code gone} when it does not answer. */
    String state();

    /** What the hypervisor counts for each device, such as bytes read; empty when it counts nothing. */
    Map<String, Object> counters();

    /** Presses the guest's power button; whether anybody listens is the guest's matter. */
    boolean powerButton();

    /** Ends the machine as if its plug were pulled. */
    boolean unplug();
}
