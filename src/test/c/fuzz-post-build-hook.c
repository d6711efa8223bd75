/*
 * Fuzzes src/main/c/post-build-hook.c with random replies, settings and OUT_PATHS. In each round a built-in server sends a
 * random answer; the seed is an argument, so a failure can be repeated. Invariants: the hook exits in time, with 0,
 * silently; it executes the script unless the reply's last line is ok; it passes the reply on unchanged; and it sends the
 * words of OUT_PATHS or nothing. Usage: fuzz ROUNDS SEED
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program under test, with a renamed main, and a script that only records its arguments. */
static int note_script(const char *path, char *const arguments[]);
static ssize_t note_link(const char *path, char *buffer, size_t room);
int hook(void);
#define main hook
#define execv note_script
#define readlink note_link
#include "../../main/c/post-build-hook.c"
#undef main

/* The hook process's report to this process. */
static struct { int executed; int asked; char status[16]; char reply[sizeof reply]; char script[64]; } *noted;

static ssize_t note_link(const char *path, char *buffer, size_t room)
{
    (void)path;
    (void)room;
    memcpy(buffer, "/prefix/bin/post-build-hook", 27);
    return 27;
}

static int note_script(const char *path, char *const arguments[])
{
    noted->executed = 1;
    snprintf(noted->script, sizeof noted->script, "%s", path);
    noted->asked = arguments[1] != NULL;
    if (noted->asked) {
        snprintf(noted->status, sizeof noted->status, "%s", arguments[3]);
        snprintf(noted->reply, sizeof noted->reply, "%s", arguments[4]);
    }
    _exit(0);
}

static unsigned long long state;

static unsigned below(unsigned limit)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % limit;
}

static char request[sizeof line + 1], answer[2 * sizeof reply], wanted[sizeof answer], paths[sizeof line];

/* Appends a random fragment of replies or paths to text; sometimes many copies of it, or a random byte. */
static size_t append(char *text, size_t length, size_t room, const char *const *pieces, unsigned count, int noise)
{
    const char *piece = pieces[below(count)];
    size_t times = below(40) == 0 ? below(3000) : 1;
    for (size_t size = strlen(piece); times-- > 0 && length + size < room; length += size)
        memcpy(text + length, piece, size);
    if (noise && below(12) == 0 && length + 1 < room)
        text[length++] = (char)(below(4) == 0 ? 0 : below(256));
    return length;
}

static size_t make_answer(void)
{
    static const char *const pieces[] = {"ok", "ok queued 1\n", "ok ", "\n", "error", "error not queued: disk full\n", "o", "k",
        "okay\n", " ok\n", "OK\n", "\r\n", "\033[2J", "data\n", "error refused 1, queued 0: x\n", "%s%n", "ok\tqueued\n"};
    size_t length = 0;
    unsigned count = below(3) == 0 ? 4 : sizeof pieces / sizeof pieces[0]; /* In a third of the rounds only "ok" and line ends. */
    for (unsigned parts = below(6); parts > 0; parts--)
        length = append(answer, length, sizeof answer, pieces, count, 1);
    return length;
}

static void make_paths(void)
{
    static const char *const pieces[] = {"/nix/store/00000000000000000000000000000000-x", " ", " ", "\t", "\n", "/", "drop", "-n", "*",
        "/nix/store/11111111111111111111111111111111-path-1.0+b_c?d=e ", "  ", "\"", "$(x)", ","};
    size_t length = 0;
    int hostile = below(4) == 0; /* Otherwise as Nix sets them, and blanks. */
    unsigned count = hostile ? sizeof pieces / sizeof pieces[0] : 5;
    for (unsigned parts = 1 + below(8); parts > 0; parts--)
        length = append(paths, length, sizeof paths - 64, pieces, count, hostile);
    paths[length] = '\0';
}

/* The reply's last line that is not empty, as the script reads it. */
static int is_ok(const char *text)
{
    const char *last = "";
    static char copy[sizeof answer];
    strcpy(copy, text);
    for (char *rest = copy, *each; (each = strtok_r(rest, "\n", &rest)) != NULL;)
        last = each;
    return strcmp(last, "ok") == 0 || strncmp(last, "ok ", 3) == 0;
}

/* Whether `sent` is the words of `paths`, one blank between two, and a line feed; and every word plain and absolute. */
static int is_line_of_paths(const char *sent)
{
    static char copy[sizeof paths], expected[sizeof paths + 2];
    size_t length = 0;
    strcpy(copy, paths);
    for (char *rest = copy, *word; (word = strtok_r(rest, " \t\n", &rest)) != NULL;) {
        if (*word != '/' || word[strspn(word, PLAIN)] != '\0')
            return 0;
        length += (size_t)sprintf(expected + length, "%s%s", length > 0 ? " " : "", word);
    }
    strcpy(expected + length, "\n");
    return length > 0 && strcmp(sent, expected) == 0;
}

/* Reads the request, or a part of it, and answers in pieces. Returns the number of bytes read. */
static size_t serve(int fd, size_t length, int reads)
{
    size_t got = 0;
    ssize_t n;
    while (reads && got < sizeof request - 1 && (n = recv(fd, request + got, sizeof request - 1 - got, 0)) > 0)
        got += (size_t)n;
    request[got] = '\0';
    for (size_t sent = 0; sent < length; sent += (size_t)n) {
        size_t piece = 1 + below(below(2) ? 8 : 70000);
        if ((n = send(fd, answer + sent, piece < length - sent ? piece : length - sent, MSG_NOSIGNAL)) < 0)
            break;
    }
    return got;
}

#define CHECK(condition) do { if (!(condition)) { \
    fprintf(stderr, "round %u: not so: %s (status %s, %zu bytes of reply, OUT_PATHS=%.200s)\n", round, #condition, \
            noted->status, length, paths); return 1; } } while (0)

int main(int count, char **words)
{
    unsigned rounds = count > 1 ? (unsigned)atoi(words[1]) : 1000, acknowledged = 0, asked = 0;
    state = count > 2 ? (unsigned long long)atoll(words[2]) : 1;
    noted = mmap(NULL, sizeof *noted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), said[2];
    snprintf(address.sun_path, sizeof address.sun_path, "fuzz-socket");
    if (noted == MAP_FAILED || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0)
        return perror("fuzz"), 2;
    for (unsigned round = 0; round < rounds; round++) {
        static const char *const limits[] = {"", "5s", "30", "60min", "soon", "5m", "-1", "999999999d", "0000030s", "30s "};
        size_t length = make_answer();
        make_paths();
        int mute = below(100) == 0, reads = below(10) > 0;
        const char *limit = mute ? "150ms" : limits[below(below(4) == 0 ? sizeof limits / sizeof limits[0] : 4)];
        memset(noted, 0, offsetof(__typeof__(*noted), reply) + 1);
        setenv("OUT_PATHS", paths, 1);
        setenv("NPBHQ_HOOK_TIMEOUT", limit, 1);
        setenv("NPBHQ_SOCKET", below(40) == 0 ? "absent" : "fuzz-socket", 1);
        if (pipe(said) != 0)
            return perror("fuzz"), 2;
        pid_t pid = fork();
        if (pid == 0) {
            alarm(20);
            dup2(said[1], STDERR_FILENO);
            _exit(hook());
        }
        close(said[1]);
        /* Until the hook has connected, or has exited without a connection. */
        int fd = -1, status = 0, ended = 0;
        while ((fd = accept(listener, NULL, NULL)) < 0 && !ended)
            ended = waitpid(pid, &status, WNOHANG) == pid || poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 1) < 0;
        size_t got = fd >= 0 && !mute ? serve(fd, length, reads) : 0;
        if (fd >= 0 && !mute)
            close(fd);
        if (!ended)
            waitpid(pid, &status, 0);
        if (fd >= 0 && mute)
            close(fd);
        ssize_t words_said = read(said[0], wanted, sizeof wanted);
        close(said[0]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK(words_said == 0);
        CHECK(got == 0 || is_line_of_paths(request));
        if (fd >= 0 && noted->executed)
            CHECK(noted->asked);
        if (fd < 0)
            CHECK(noted->executed && (!noted->asked || strcmp(noted->status, "1") == 0));
        if (mute && fd >= 0)
            CHECK(noted->executed && strcmp(noted->status, "124") == 0);
        /* Only a peer that has read everything is known to have sent everything. */
        if (fd >= 0 && !mute && reads) {
            size_t kept = length < sizeof reply - 1 ? length : sizeof reply - 1;
            for (size_t i = 0; i < kept; i++)
                wanted[i] = answer[i] == '\0' ? '?' : answer[i];
            while (kept > 0 && wanted[kept - 1] == '\n')
                kept--;
            wanted[kept] = '\0';
            CHECK(noted->executed == !is_ok(wanted));
            if (noted->executed)
                CHECK(strcmp(noted->reply, wanted) == 0 && strcmp(noted->status, "0") == 0);
            acknowledged += !noted->executed;
        }
        asked += fd >= 0;
        if (noted->executed)
            CHECK(strcmp(noted->script, "/prefix" SCRIPT) == 0);
    }
    printf("%u rounds, %u asked, %u acknowledged\n", rounds, asked, acknowledged);
    return asked > rounds / 4 && acknowledged > rounds / 20 ? 0 : 1;
}
