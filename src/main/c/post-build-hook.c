/*
 * post-build-hook: sends the paths that Nix has just built (OUT_PATHS) to the queue, and exits when it acknowledges them.
 *
 * Nix runs this as root after each build, and the build waits. This program handles the normal case alone: plain paths,
 * and a worker that answers "ok" in time. In every other case it executes the script of the same name, in
 * ../libexec/nix-post-build-hook-queue, and passes the reply and the time at which it began. The script warns,
 * spools the paths, and keeps to the rest of NPBHQ_HOOK_TIMEOUT.
 *
 * It opens no file, starts no process, and allocates no memory. The peer is not trusted: a reply is data, of 64 KiB at
 * most. The exit status is always 0. If the script cannot be executed, the build log says that the paths are NOT queued.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SCRIPT "/libexec/nix-post-build-hook-queue/post-build-hook"
#define PLAIN "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-._?=/"
#define BLANKS " \t\n"

/* How the request ended: exit statuses that the script knows from timeout and socat. */
enum outcome { NOT_ASKED = -1, ANSWERED = 0, NOBODY_LISTENS = 1, TIMED_OUT = 124, INTERRUPTED = 125 };

static char line[131072 + 1], reply[65536 + 1];
static size_t replied;

/* Milliseconds since the boot, as in /proc/uptime, which the script reads. */
static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* The milliseconds of a duration as in all settings: 500ms, 30s, 10min, bare seconds; -1 if it is malformed. */
static long long milliseconds(const char *text)
{
    static const struct unit { const char *name; long long factor; } units[] = {
        {"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    size_t digits = strspn(text, "0123456789");
    for (const struct unit *unit = units; unit->name != NULL && digits >= 1 && digits <= 9; unit++)
        if (strcmp(text + digits, unit->name) == 0)
            return strtoll(text, NULL, 10) * unit->factor;
    return -1;
}

/* The part of the hook's limit in which the queue may answer; the script has the same rule, and the reason for it. */
static long long answer_within(long long limit)
{
    limit = limit > 86400000 ? 86400000 : limit;
    long long within = limit >= 5000 ? limit * 3 / 5 : limit >= 3000 ? limit - 2000 : limit / 2;
    return within < 50 ? 50 : within;
}

/* Writes the words of `paths` to `line`, one blank between two, and LF. Returns 0 unless all are plain absolute paths. */
static size_t make_line(const char *paths)
{
    size_t length = 0;
    while (*(paths += strspn(paths, BLANKS)) != '\0') {
        size_t word = strspn(paths, PLAIN);
        if (*paths != '/' || word >= sizeof line - length)
            return 0;
        memcpy(line + length, paths, word);
        length += word;
        line[length++] = ' ';
        paths += word;
    }
    if (length > 0)
        line[length - 1] = '\n';
    return length;
}

/* Waits until the socket is ready for `event`; then returns ANSWERED. */
static enum outcome await(int fd, short event, long long deadline)
{
    struct pollfd one = {.fd = fd, .events = event};
    long long left = deadline - now();
    int ready = poll(&one, 1, left > 0 ? (int)left : 0);
    return ready > 0 ? ANSWERED : ready == 0 ? TIMED_OUT : INTERRUPTED;
}

/* Sends the line, half-closes, and reads until the peer closes, or has sent as much as fits into `reply`. */
static enum outcome exchange(int fd, size_t length, long long deadline)
{
    enum outcome ready;
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(fd, line + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno != EAGAIN)
            break; /* The peer has closed, perhaps after a reply. */
        else if ((ready = await(fd, POLLOUT, deadline)) != ANSWERED)
            return ready;
    }
    shutdown(fd, SHUT_WR);
    while (replied < sizeof reply - 1) {
        if ((ready = await(fd, POLLIN, deadline)) != ANSWERED)
            return ready;
        ssize_t n = recv(fd, reply + replied, sizeof reply - 1 - replied, MSG_DONTWAIT);
        if (n <= 0)
            break;
        replied += (size_t)n;
    }
    return ANSWERED;
}

static enum outcome ask(const char *path, size_t length, long long deadline)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return NOT_ASKED;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NOT_ASKED;
    /* SO_SNDTIMEO also limits connect, which waits while the backlog is full. */
    long long left = deadline - now();
    struct timeval wait = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    enum outcome outcome = NOT_ASKED;
    if (left > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0)
        outcome = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? exchange(fd, length, deadline)
            : errno == EAGAIN ? TIMED_OUT : errno == EINTR ? INTERRUPTED : NOBODY_LISTENS;
    close(fd);
    return outcome;
}

/* Reads the last line of the reply, even if it is cut short: the worker says "ok" after its commit. */
static int is_acknowledged(void)
{
    while (replied > 0 && reply[replied - 1] == '\n')
        reply[--replied] = '\0';
    const char *end = memrchr(reply, '\n', replied);
    const char *last = end == NULL ? reply : end + 1;
    size_t length = replied - (size_t)(last - reply);
    return length >= 2 && memcmp(last, "ok", 2) == 0 && (length == 2 || last[2] == ' ');
}

/* Executes the script, and returns only if that fails. */
static void run_script(enum outcome outcome, long long began)
{
    char script[PATH_MAX + sizeof SCRIPT];
    ssize_t length = readlink("/proc/self/exe", script, PATH_MAX);
    script[length < 0 ? 0 : length] = '\0';
    for (int i = 0; i < 2 && strchr(script, '/') != NULL; i++) /* PREFIX/bin/post-build-hook */
        *strrchr(script, '/') = '\0';
    strcat(script, SCRIPT);
    for (size_t i = 0; i < replied; i++) /* NUL would end the argument. */
        reply[i] = reply[i] == '\0' ? '?' : reply[i];
    char status[12], time[24];
    sprintf(status, "%d", outcome);
    sprintf(time, "%lld", began);
    char *arguments[] = {script, outcome == NOT_ASKED ? NULL : "--asked", time, status, reply, NULL};
    execv(script, arguments);
}

static void warn(size_t length)
{
    static char text[sizeof line + 256];
    snprintf(text, sizeof text, "nix-post-build-hook-queue: the hook's script cannot be executed (%s); NOT queued%s%.*s",
             strerror(errno), length > 0 ? ". By hand: nix-post-build-hook-queue " : ": what Nix has just built\n",
             (int)length, line);
    (void)!write(STDERR_FILENO, text, strlen(text)); /* If that fails, the build log has no reader. */
}

static void note_signal(int number) { (void)number; }

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : otherwise;
}

int main(void)
{
    long long began = now();
    /* A signal ends the wait, and the script spools. With a build log without a reader, the exit status stays 0. */
    struct sigaction interrupt = {.sa_handler = note_signal};
    for (const int *s = (const int[]){SIGHUP, SIGINT, SIGTERM, SIGPIPE, 0}; *s != 0; s++)
        sigaction(*s, &interrupt, NULL);

    enum outcome outcome = NOT_ASKED;
    size_t length = make_line(setting("OUT_PATHS", ""));
    long long limit = milliseconds(setting("NPBHQ_HOOK_TIMEOUT", "5s"));
    if (length > 0 && limit >= 0)
        outcome = ask(setting("NPBHQ_SOCKET", "/run/nix-post-build-hook-queue.sock"), length, began + answer_within(limit));
    if (!is_acknowledged()) {
        run_script(outcome, began);
        warn(length);
    }
    return 0;
}
