package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.Collection;
import java.util.Optional;

/** Tells an operator why a due path waits in its lane. */
record WaitReason(
        Collection<Dispatcher.Flight> flights,
        DeliveryPolicy policy,
        BatchPlanner planner,
        SlotLimit limit) {
    /** A sentence; empty if nothing in this lane delays the path. */
    Optional<String> of(StorePath path, long now) {
        for (Dispatcher.Flight flight : flights) {
            if (flight.paths().contains(path)) {
                int others = flight.group().members().size() - 1;
                return Optional.of(
                        others == 0
                                ? "it is on its way"
                                : "it is on its way, with " + others + " others");
            }
        }
        if (policy.held().anyMatch(entry -> entry.path().equals(path))) {
            return Optional.of(
                    "a batch with it was refused: its paths are tried alone and in smaller batches");
        }
        Optional<StorePath> sender = planner.sender(path, flights);
        if (sender.isPresent()) {
            return Optional.of(
                    "it waits for " + sender.get() + ": both need something that is being sent");
        }
        if (limit.busyFor(now) > 0) {
            return Optional.of("the destination said that it is busy");
        }
        if (policy.mostBatches() <= policy.batchesUnderWay()) {
            return Optional.of("a batch was refused, and nothing was delivered since");
        }
        if (flights.size() >= limit.now()) {
            int most = limit.most();
            return Optional.of(
                    limit.now() < most
                            ? "it waits for a free slot: the destination was busy, so only "
                                    + limit.now()
                                    + " of "
                                    + most
                                    + " are used"
                            : "it waits for a free slot: all " + most + " are in use");
        }
        return Optional.empty();
    }
}
