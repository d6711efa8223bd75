/*
 * out-paths: sets OUT_PATHS to the target of the link outputs/NAME-OF-THE-DERIVATION beside this program, and executes the
 * target of the link hook. Nix 2.8.0, which Debian 12 has, leaves OUT_PATHS empty (fixed in 2.8.1), and the benchmark must
 * not measure an empty hook.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char self[PATH_MAX] = "", name[2 * PATH_MAX] = "", target[PATH_MAX] = "";
    const char *derivation = getenv("DRV_PATH");
    if (derivation == NULL || readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 1;
    *strrchr(self, '/') = '\0';
    strcat(strcpy(name, self), "/outputs");
    strcat(name, strrchr(derivation, '/'));
    if (readlink(name, target, sizeof target - 1) < 0 || setenv("OUT_PATHS", target, 1) != 0)
        return 1;
    memset(target, 0, sizeof target);
    strcat(strcpy(name, self), "/hook");
    if (readlink(name, target, sizeof target - 1) < 0)
        return 1;
    execl(target, target, (char *)NULL);
    return 1;
}
