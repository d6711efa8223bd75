package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.PathInfo;
import hookqueue.nix.Progress;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Asks a Nix store whether it answers, and what it knows about a path. A failure has the outcome
 * and the text that a delivery would have. For one thread at a time.
 */
public final class DestinationProbe {
    private final DeliveryChild child;
    private final String url;

    DestinationProbe(DeliveryChild child, String url) {
        this.child = child;
        this.url = url;
    }

    /** Connects and logs in; {@link DeliveryOutcome.Delivered} if the store answers. */
    public DeliveryOutcome connect() {
        var progress = new Progress();
        return child.run(child.nix().ping(url), Map.of(), List.of(), progress, progress);
    }

    /**
     * Looks for a path.
     *
     * @param found receives what the store knows about it; not called if the store lacks it
     * @return {@link DeliveryOutcome.Delivered} if the store answered
     */
    public DeliveryOutcome find(StorePath path, Consumer<PathInfo> found) {
        return child.infos(paths -> child.nix().infoAt(url, paths), List.of(path), found);
    }
}
