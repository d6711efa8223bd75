/*
 * Preloaded into the worker, its hooks and its child processes.
 *
 * While the file $EIO_WHEN exists, system calls on the folders in $EIO_UNDER fail with EIO: reading, writing, syncing,
 * linking, removing and renaming. The file $EIO_ONCE makes one read of a database in these folders fail, and disappears
 * with it. The file $CLOCK_OFFSET contains the seconds by which the real-time clock is wrong; the
 * monotonic clock stays correct.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

/* Whether a path is below one of the folders in $EIO_UNDER, which colons separate. */
static int below(const char *path) {
    const char *under = getenv("EIO_UNDER");
    while (under && *under) {
        size_t length = strcspn(under, ":");
        if (length && strncmp(path, under, length) == 0 && path[length] == '/') {
            return 1;
        }
        under += length + (under[length] == ':');
    }
    return 0;
}

static int is_sick(void) {
    const char *when = getenv("EIO_WHEN");
    return when && access(when, F_OK) == 0;
}

/* Whether a descriptor is of a file or folder below; then its name is in path. */
static int below_fd(int fd, char path[PATH_MAX + 2]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length <= 0) {
        return 0;
    }
    strcpy(path + length, "/"); /* the folder itself is synced, too */
    return below(path);
}

static int sick(int fd) {
    int before = errno;
    char path[PATH_MAX + 2];
    int found = is_sick() && below_fd(fd, path);
    errno = found ? EIO : before;
    return found;
}

static int sick_read(int fd) {
    int before = errno;
    char path[PATH_MAX + 2];
    const char *once = getenv("EIO_ONCE");
    int found = sick(fd)
        || (once && access(once, F_OK) == 0 && below_fd(fd, path) && strstr(path, "/queue.sqlite") && unlink(once) == 0);
    errno = found ? EIO : before;
    return found;
}

/* Only for absolute names, because these programs use no others. */
static int sick_name(const char *path) {
    int before = errno;
    int found = path && is_sick() && below(path);
    errno = found ? EIO : before;
    return found;
}

ssize_t read(int fd, void *into, size_t count) { return sick_read(fd) ? -1 : REAL(read)(fd, into, count); }
ssize_t pread(int fd, void *into, size_t count, off_t at) { return sick_read(fd) ? -1 : REAL(pread)(fd, into, count, at); }
ssize_t pread64(int fd, void *into, size_t count, off64_t at) { return sick_read(fd) ? -1 : REAL(pread64)(fd, into, count, at); }
ssize_t write(int fd, const void *from, size_t count) { return sick(fd) ? -1 : REAL(write)(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { return sick(fd) ? -1 : REAL(pwrite)(fd, from, count, at); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) { return sick(fd) ? -1 : REAL(pwrite64)(fd, from, count, at); }
int fsync(int fd) { return sick(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return sick(fd) ? -1 : REAL(fdatasync)(fd); }

int symlink(const char *to, const char *name) { return sick_name(name) ? -1 : REAL(symlink)(to, name); }
int symlinkat(const char *to, int at, const char *name) { return sick_name(name) ? -1 : REAL(symlinkat)(to, at, name); }
int unlink(const char *name) { return sick_name(name) ? -1 : REAL(unlink)(name); }
int unlinkat(int at, const char *name, int flags) { return sick_name(name) ? -1 : REAL(unlinkat)(at, name, flags); }
int rename(const char *from, const char *to) { return sick_name(to) ? -1 : REAL(rename)(from, to); }
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned int flags) {
    return sick_name(to) ? -1 : REAL(renameat2)(from_at, from, to_at, to, flags);
}

static long offset(void) {
    int before = errno;
    const char *file = getenv("CLOCK_OFFSET");
    char text[32];
    long seconds = 0;
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        ssize_t length = read(fd, text, sizeof text - 1);
        if (length > 0) {
            text[length] = 0;
            seconds = atol(text);
        }
        close(fd);
    }
    errno = before;
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += offset();
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int result = REAL(gettimeofday)(now, zone);
    if (result == 0) {
        now->tv_sec += offset();
    }
    return result;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) {
        *into = now.tv_sec;
    }
    return now.tv_sec;
}
