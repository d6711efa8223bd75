/* Preloaded: while the file $EIO_WHEN is there, writing to and syncing of files below $EIO_UNDER fails with EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

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

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *from, size_t count) { return sick(fd) ? -1 : REAL(write)(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { return sick(fd) ? -1 : REAL(pwrite)(fd, from, count, at); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) { return sick(fd) ? -1 : REAL(pwrite64)(fd, from, count, at); }
int fsync(int fd) { return sick(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return sick(fd) ? -1 : REAL(fdatasync)(fd); }
