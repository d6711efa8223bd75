package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.roots.GcRoots;
import java.util.ArrayList;
import java.util.List;

/**
 * What a transaction changes outside the database, after its commit: the roots to make and to
 * remove, in this order, how many paths were queued, and whether to wake clients that wait for a
 * change.
 */
record Effects(List<GcRoots.Change> roots, int queued, boolean changed) {
    static final class Collector {
        private final List<GcRoots.Change> roots = new ArrayList<>();
        private int queued;
        private boolean changed;

        void root(StorePath path) {
            roots.add(new GcRoots.Change(path, true));
            queued++;
        }

        void unroot(StorePath path) {
            roots.add(new GcRoots.Change(path, false));
        }

        void changed() {
            changed = true;
        }

        Effects take() {
            var taken = new Effects(List.copyOf(roots), queued, changed);
            roots.clear();
            queued = 0;
            changed = false;
            return taken;
        }
    }
}
