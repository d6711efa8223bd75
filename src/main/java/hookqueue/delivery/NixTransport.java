package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.NarInfoCache;
import hookqueue.nix.Nix;
import hookqueue.nix.Progress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Copies paths and their closures to a Nix store.
 *
 * <p>Every copy asks the destination which members of the closures it has, and sends the others: a
 * binary cache may have lost a path since the last query. So {@link DeliveryOutcome.Delivered}
 * means that Nix has just seen or written each narinfo.
 *
 * @param cache of this transport's child processes alone; null if it is unknown
 * @param url as {@code nix copy --to} takes it
 * @param substituteOnDestination let an SSH destination fetch from its own substituters
 */
record NixTransport(
        DeliveryChild child,
        @Nullable NarInfoCache cache,
        String url,
        boolean substituteOnDestination)
        implements Transport {
    @Override
    public DeliveryOutcome carry(List<StorePath> paths, Progress progress) {
        DeliveryOutcome bad = child.checkPaths(paths);
        if (bad != null) {
            return bad;
        }
        DeliveryOutcome outcome = new DeliveryOutcome.Delivered(0);
        for (List<StorePath> group : Nix.groups(paths)) {
            boolean refresh = cache == null || !cache.forget();
            List<String> command = child.nix().copy(url, substituteOnDestination, refresh, group);
            outcome = child.run(command, Map.of(), group, progress, progress);
            if (!(outcome instanceof DeliveryOutcome.Delivered)) {
                return outcome;
            }
        }
        return outcome;
    }
}
