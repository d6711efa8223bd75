package hookqueue;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Which package may depend on which. Arrows never go back:
 *
 * <pre>
 *   command  ─► protocol, spool, queue, delivery, nix, process, report, check
 *   check    ─► delivery, nix, process
 *   delivery ─► queue, nix, process
 *   report   ─► queue, delivery, nix
 *   spool    ─► queue
 *   queue    ─► roots
 *                                    every package may depend on base
 *                                    the root package wires them all
 * </pre>
 */
class ArchitectureTest {
    private static final Map<String, List<String>> MAY_KNOW =
            Map.ofEntries(
                    Map.entry("base", List.of()),
                    Map.entry("nix", List.of("base")),
                    Map.entry("process", List.of()),
                    Map.entry("systemd", List.of("base")),
                    Map.entry("roots", List.of("base")),
                    Map.entry("spool", List.of("base", "queue")),
                    Map.entry("queue", List.of("base", "roots")),
                    Map.entry("protocol", List.of("base")),
                    Map.entry("delivery", List.of("base", "queue", "nix", "process")),
                    Map.entry("check", List.of("base", "delivery", "nix", "process")),
                    Map.entry("report", List.of("base", "queue", "nix", "delivery")),
                    Map.entry(
                            "command",
                            List.of(
                                    "base",
                                    "protocol",
                                    "queue",
                                    "spool",
                                    "delivery",
                                    "nix",
                                    "process",
                                    "report",
                                    "check")));

    private static final JavaClasses PROGRAM =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages("hookqueue");

    static List<String> packages() {
        return MAY_KNOW.keySet().stream().sorted().toList();
    }

    @ParameterizedTest
    @MethodSource("packages")
    void aPackageDependsOnlyOnPackagesBelowIt(String name) {
        rule(name).check(PROGRAM);
    }

    @Test
    void everyPackageHasItsRule() {
        List<String> found =
                PROGRAM.stream()
                        .map(c -> c.getPackageName())
                        .filter(name -> !name.equals("hookqueue"))
                        .map(name -> name.substring("hookqueue.".length()))
                        .distinct()
                        .sorted()
                        .toList();
        assertTrue(found.equals(packages()), () -> "packages " + found);
    }

    @Test
    void thereAreNoCycles() {
        slices().matching("hookqueue.(*)..").should().beFreeOfCycles().check(PROGRAM);
    }

    @Test
    void onlyChildProcessStartsProcesses() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName("hookqueue.process.ChildProcess")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.ProcessBuilder")
                .check(PROGRAM);
    }

    /** The rules must be able to fail: each inverted rule finds the existing dependencies. */
    @Test
    void theRulesFindWhatTheyForbid() {
        for (Map.Entry<String, List<String>> each : MAY_KNOW.entrySet()) {
            for (String known : each.getValue()) {
                assertTrue(
                        forbid(each.getKey(), List.of(known)).evaluate(PROGRAM).hasViolation(),
                        () -> each.getKey() + " does not need " + known + ": take it out");
            }
        }
        assertTrue(
                noClasses()
                        .that()
                        .resideInAPackage("hookqueue")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("hookqueue.report")
                        .evaluate(PROGRAM)
                        .hasViolation());
        assertFalse(PROGRAM.isEmpty());
    }

    private static ArchRule rule(String name) {
        var forbidden = new ArrayList<>(MAY_KNOW.keySet());
        forbidden.removeAll(MAY_KNOW.get(name));
        forbidden.remove(name);
        forbidden.add("");
        return forbid(name, forbidden);
    }

    /** The empty name is the root package. */
    private static ArchRule forbid(String name, List<String> forbidden) {
        return noClasses()
                .that()
                .resideInAPackage("hookqueue." + name)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        forbidden.stream()
                                .map(each -> each.isEmpty() ? "hookqueue" : "hookqueue." + each)
                                .toArray(String[]::new));
    }
}
