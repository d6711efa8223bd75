package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.Progress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks a Nix store.
 *
 * <p>Nix has no fast way to query an HTTP cache for many paths: {@code path-info} queries one after
 * the other. {@code nix copy} queries all of them at once, sends exactly the missing ones, and
 * announces each of them. So a check is a copy.
 *
 * <p>Limits: for a path that is gone from the local store, the check covers only the path itself.
 * Nix does not notice a missing NAR while its narinfo exists. For one thread at a time.
 */
record StoreCheck(
        String name,
        String url,
        int mostAtOnce,
        DeliveryChild child,
        @Nullable Transport sign,
        Transport copy)
        implements DestinationCheck {
    @Override
    public Answer check(List<StorePath> paths) throws InterruptedException {
        var here = new ArrayList<>(paths);
        var gone = new ArrayList<StorePath>();
        var progress = new Progress();
        DeliveryOutcome outcome = carry(here, progress);
        while (outcome instanceof DeliveryOutcome.Invalid invalid) {
            here.removeAll(invalid.paths());
            gone.addAll(invalid.paths());
            outcome = carry(here, progress);
        }
        String reason = reason(outcome);
        boolean sent = outcome instanceof DeliveryOutcome.Delivered;
        if (!sent
                && !(outcome instanceof DeliveryOutcome.Refused)
                && !(outcome instanceof DeliveryOutcome.Unavailable)) {
            return new Answer.Unknown(reason);
        }
        var there = new HashSet<StorePath>();
        DeliveryOutcome answered =
                child.infos(
                        some -> child.nix().infoAt(url, some),
                        gone,
                        info -> there.add(info.path()));
        if (!(answered instanceof DeliveryOutcome.Delivered)) {
            return new Answer.Unknown(reason(answered));
        }
        gone.removeAll(there);
        return new Answer.Checked(
                sent ? Math.max(progress.copied().size(), progress.snapshot().paths()) : 0,
                sent ? progress.copied() : List.of(),
                gone,
                sent ? List.of() : here,
                reason);
    }

    private DeliveryOutcome carry(List<StorePath> paths, Progress progress) {
        if (paths.isEmpty()) {
            return new DeliveryOutcome.Delivered(0);
        }
        DeliveryOutcome signed =
                sign == null ? new DeliveryOutcome.Delivered(0) : sign.carry(paths, new Progress());
        return signed instanceof DeliveryOutcome.Delivered ? copy.carry(paths, progress) : signed;
    }

    private static String reason(DeliveryOutcome outcome) throws InterruptedException {
        if (outcome instanceof DeliveryOutcome.Cancelled) {
            throw new InterruptedException();
        }
        return outcome.reason();
    }
}
