package hookqueue.command;

import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * What a client waits for: everything, or some paths.
 *
 * <p>Its cost for others is bounded: one task looks at some hundred paths at most, and after a
 * change only at the first path that is not settled yet.
 */
sealed interface WaitTarget {
    /** Failed rows that are reported at most. */
    int MOST_FAILED = 1_000;

    /** Whether all is settled, or was since this was asked first. */
    boolean settled() throws QueueException, InterruptedException;

    End end() throws QueueException, InterruptedException;

    /** How much is outstanding. */
    long left() throws QueueException, InterruptedException;

    /**
     * How it ended.
     *
     * @param outstanding whether something is outstanding again
     * @param stranded whether something has no destination in the settings
     */
    record End(boolean outstanding, List<DeliveryRow> failed, boolean stranded) {}

    /** All paths in the configured lanes. */
    record Everything(Queue queue) implements WaitTarget {
        @Override
        public boolean settled() throws QueueException, InterruptedException {
            return left() == 0;
        }

        @Override
        public End end() throws QueueException, InterruptedException {
            return queue.call(t ->
                    new End(
                            t.waits().outstanding() > 0,
                            t.waits().failed(MOST_FAILED),
                            t.waits().anyStranded() && !t.waits().anyDestination()));
        }

        @Override
        public long left() throws QueueException, InterruptedException {
            return queue.call(t -> t.waits().outstanding());
        }
    }

    /** Pages of rows of paths, rising. */
    @FunctionalInterface
    interface Rows {
        int PAGE = 500;

        List<Long> after(QueueTransaction transaction, long row) throws SQLException;
    }

    /** The paths with these rows. */
    final class Paths implements WaitTarget {
        private final Queue queue;
        private final Rows rows;

        /** The next page, of which the first {@link #passed} were found settled. */
        private List<Long> page = List.of();

        private int passed;

        /** The last row of the page before. */
        private long before;

        Paths(Queue queue, Rows rows) {
            this.queue = queue;
            this.rows = rows;
        }

        @Override
        public boolean settled() throws QueueException, InterruptedException {
            do {
                passed = queue.call(this::firstOutstanding);
                if (passed < page.size()) {
                    return false;
                }
                before = page.isEmpty() ? before : page.getLast();
                page = page(before);
                passed = 0;
            } while (!page.isEmpty());
            return true;
        }

        private int firstOutstanding(QueueTransaction transaction) throws SQLException {
            int at = passed;
            while (at < page.size() && !transaction.waits().outstanding(page.get(at))) {
                at++;
            }
            return at;
        }

        @Override
        public End end() throws QueueException, InterruptedException {
            var failed = new ArrayList<DeliveryRow>();
            boolean stranded = false;
            boolean anyDestination = queue.call(t -> t.waits().anyDestination());
            before = 0;
            List<Long> some = page(before);
            while (!some.isEmpty()) {
                for (List<DeliveryRow> path : standing(some)) {
                    if (isOutstanding(path)) {
                        return new End(true, List.of(), false);
                    }
                    stranded |=
                            !anyDestination
                                    && !path.isEmpty()
                                    && path.stream().noneMatch(DeliveryRow::configured);
                    path.stream()
                            .filter(row -> row.configured() && failed.size() < MOST_FAILED)
                            .filter(row -> row.state() == DeliveryRow.State.FAILED)
                            .forEach(failed::add);
                }
                before = some.getLast();
                some = page(before);
            }
            return new End(false, failed, stranded);
        }

        private List<Long> page(long after) throws QueueException, InterruptedException {
            return queue.call(t -> rows.after(t, after));
        }

        private List<List<DeliveryRow>> standing(List<Long> some)
                throws QueueException, InterruptedException {
            return queue.call(t -> {
                var all = new ArrayList<List<DeliveryRow>>(some.size());
                for (long row : some) {
                    all.add(t.waits().standing(row));
                }
                return all;
            });
        }

        @Override
        public long left() throws QueueException, InterruptedException {
            long left = 0;
            List<Long> some = page(0);
            while (!some.isEmpty()) {
                left += standing(some).stream().filter(Paths::isOutstanding).count();
                some = page(some.getLast());
            }
            return left;
        }

        private static boolean isOutstanding(List<DeliveryRow> path) {
            return path.stream().anyMatch(DeliveryRow::outstanding);
        }
    }
}
