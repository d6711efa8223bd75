package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.roots.GcRoots;
import java.util.ArrayList;
import java.util.List;

/**
 * What a transaction changes outside the database, after its commit: the roots to make and to
 * remove, in this order, and whether to wake clients that wait for a change.
 */
record Effects(List<GcRoots.Change> roots, boolean changed) {
    /** How many paths were queued. */
    int queued() {
        int queued = 0;
        for (GcRoots.Change root : roots) {
            if (root.add()) {
                queued++;
            }
        }
        return queued;
    }

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

        Effects take() {
            var taken = new Effects(List.copyOf(roots), changed);
            roots.clear();
            changed = false;
            return taken;
        }
    }
}
