package hookqueue.check;

import java.util.List;

/** One check, or a few that belong together. */
@FunctionalInterface
public interface Check {
    /** Runs it; after an interrupt it ends within seconds, and says that it has not finished. */
    List<Finding> run();
}
