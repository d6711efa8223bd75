package hookqueue.queue;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The statements of one connection, each prepared once. Parameters are texts, longs, ints or states
 * of a delivery.
 */
final class Sql {
    private static final Logger LOG = LoggerFactory.getLogger(Sql.class);

    private final Connection connection;
    private final Map<String, PreparedStatement> prepared = new HashMap<>();

    Sql(Connection connection) {
        this.connection = connection;
    }

    @FunctionalInterface
    interface RowMapper<T> {
        T map(ResultSet row) throws SQLException;
    }

    /** Returns how many rows it changed. */
    int update(String text, Object... parameters) throws SQLException {
        return bind(text, parameters).executeUpdate();
    }

    <T> List<T> query(RowMapper<T> mapper, String text, Object... parameters) throws SQLException {
        var rows = new ArrayList<T>();
        try (ResultSet found = bind(text, parameters).executeQuery()) {
            while (found.next()) {
                rows.add(mapper.map(found));
            }
        }
        return rows;
    }

    <T> Optional<T> first(RowMapper<T> mapper, String text, Object... parameters)
            throws SQLException {
        try (ResultSet found = bind(text, parameters).executeQuery()) {
            return found.next() ? Optional.of(mapper.map(found)) : Optional.empty();
        }
    }

    /** The number in the first row. */
    Optional<Long> number(String text, Object... parameters) throws SQLException {
        return first(row -> row.getLong(1), text, parameters);
    }

    boolean exists(String text, Object... parameters) throws SQLException {
        return first(row -> true, text, parameters).isPresent();
    }

    /** Puts other parameters before these. */
    static Object[] with(Object[] last, Object... first) {
        return Stream.concat(Arrays.stream(first), Arrays.stream(last)).toArray();
    }

    /** Every statement that has run so far. */
    Set<String> texts() {
        return Set.copyOf(prepared.keySet());
    }

    private PreparedStatement bind(String text, Object... parameters) throws SQLException {
        PreparedStatement statement = prepared.get(text);
        if (statement == null) {
            statement = connection.prepareStatement(text);
            prepared.put(text, statement);
        }
        for (int i = 0; i < parameters.length; i++) {
            // Not a switch over types, which adds 3 ms to a start.
            Object value = parameters[i];
            if (value instanceof Long number) {
                statement.setLong(i + 1, number);
            } else if (value instanceof Integer number) {
                statement.setInt(i + 1, number);
            } else if (value instanceof DeliveryRow.State state) {
                statement.setInt(i + 1, state.stored());
            } else {
                statement.setString(i + 1, value.toString());
            }
        }
        return statement;
    }

    /**
     * Closes all statements; the next use prepares them again. This is also necessary after an
     * error: the driver closes a statement in which the disk was full or did not answer, and
     * rejects it from then on.
     */
    void closeStatements() {
        for (PreparedStatement statement : prepared.values()) {
            try {
                statement.close();
            } catch (SQLException e) {
                LOG.debug("a statement is closed already", e);
            }
        }
        prepared.clear();
    }
}
