package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.Collection;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tells an operator why a due path waits in its lane. */
record WaitReason(
        Collection<Dispatcher.Flight> flights,
        DeliveryPolicy policy,
        BatchPlanner planner,
        SlotLimit limit) {
    /** A sentence; null if nothing in this lane delays the path. */
    @Nullable String of(StorePath path, long now) {
        for (Dispatcher.Flight flight : flights) {
            if (flight.group().paths().contains(path)) {
                int others = flight.group().members().size() - 1;
                return "it is on its way" + (others == 0 ? "" : ", with " + others + " others");
            }
        }
        if (policy.held().anyMatch(entry -> entry.path().equals(path))) {
            return "a batch with it was refused: its paths are tried alone and in smaller batches";
        }
        Optional<StorePath> sender = planner.sender(path, flights);
        if (sender.isPresent()) {
            return "it waits for " + sender.get() + ": both need something that is being sent";
        }
        if (limit.busyFor(now) > 0) {
            return "the destination said that it is busy";
        }
        if (policy.mostBatches() <= policy.batchesUnderWay()) {
            return "a batch was refused, and nothing was delivered since";
        }
        if (flights.size() >= limit.now()) {
            String used = limit.now() + " of " + limit.most() + " are used";
            return "it waits for a free slot: "
                    + (limit.now() < limit.most()
                            ? "the destination was busy, so only " + used
                            : "all " + limit.most() + " are in use");
        }
        return null;
    }
}
