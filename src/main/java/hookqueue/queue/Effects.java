package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.roots.GcRoots;
import java.util.ArrayList;
import java.util.List;

/**
 * The effects of a transaction outside the database, applied after its commit.
 *
 * @param roots roots to make and to remove, in this order
 * @param changed whether it changed anything that clients wait for
 */
record Effects(List<GcRoots.Change> roots, boolean changed) {
    /** Collects the effects of the current transaction. */
    static final class Collector {
        private final List<GcRoots.Change> roots = new ArrayList<>();
        private boolean changed;

        void root(StorePath path) {
            roots.add(new GcRoots.Change(path, true));
        }

        void unroot(StorePath path) {
            roots.add(new GcRoots.Change(path, false));
        }

        void changed() {
            changed = true;
        }

        /** Returns the collected effects and starts anew. */
        Effects take() {
            var taken = new Effects(List.copyOf(roots), changed);
            roots.clear();
            changed = false;
            return taken;
        }
    }
}
