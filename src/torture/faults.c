/*
 * Preloaded into the worker, its hooks and its children.
 *
 * While the file $EIO_WHEN is there, writing to and syncing of files below $EIO_UNDER fails with EIO. The time of day is
 * wrong by as many seconds as the file $CLOCK_OFFSET says; how much time goes by stays true.
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

static int sick(int fd) {
    int before = errno;
    const char *when = getenv("EIO_WHEN"), *under = getenv("EIO_UNDER");
    char link[64], path[PATH_MAX + 1];
    int found = 0;
    if (when && under && access(when, F_OK) == 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, PATH_MAX);
        if (length > 0) {
            path[length] = 0;
            found = strncmp(path, under, strlen(under)) == 0;
        }
    }
    errno = found ? EIO : before;
    return found;
}

ssize_t write(int fd, const void *from, size_t count) { return sick(fd) ? -1 : REAL(write)(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { return sick(fd) ? -1 : REAL(pwrite)(fd, from, count, at); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) { return sick(fd) ? -1 : REAL(pwrite64)(fd, from, count, at); }
int fsync(int fd) { return sick(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return sick(fd) ? -1 : REAL(fdatasync)(fd); }

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
