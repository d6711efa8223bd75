package hookqueue.base;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The filters of all destinations. A destination without a filter of its own has the common one.
 *
 * @param common also for paths that are only signed
 * @param own the filters of single destinations, by name
 */
public record Filters(Filter common, List<String> destinations, Map<String, Filter> own) {
    public static final Filters ALL = of(Filter.ALL);

    /**
     * Some paths, divided by the filters.
     *
     * @param taken the paths that a destination takes
     * @param excluded the paths that no destination takes
     * @param except for each taken path that some destinations exclude, these destinations
     */
    public record Selection(
            List<StorePath> taken, List<StorePath> excluded, Map<StorePath, Set<String>> except) {}

    public static Filters of(Filter common) {
        return new Filters(common, List.of(), Map.of());
    }

    public Filter filter(String destination) {
        return own.getOrDefault(destination, common);
    }

    public boolean anyTakes(StorePath path) {
        return own.isEmpty() ? common.test(path) : excluding(path).size() < destinations.size();
    }

    /** The destinations that exclude a path, while others may take it; empty with one filter. */
    public Set<String> excluding(StorePath path) {
        return own.isEmpty()
                ? Set.of()
                : destinations.stream()
                        .filter(destination -> !filter(destination).test(path))
                        .collect(Collectors.toSet());
    }

    /** Applies the filters. They may take their time, so this is not for the queue's thread. */
    public Selection select(List<StorePath> paths) {
        var taken = new ArrayList<StorePath>(paths.size());
        var excluded = new ArrayList<StorePath>();
        var except = new HashMap<StorePath, Set<String>>();
        for (StorePath path : paths) {
            Set<String> without = excluding(path);
            if (own.isEmpty() ? !common.test(path) : without.size() == destinations.size()) {
                excluded.add(path);
                continue;
            }
            taken.add(path);
            if (!without.isEmpty()) {
                except.put(path, without);
            }
        }
        return new Selection(taken, excluded, except);
    }
}
