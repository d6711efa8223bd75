/*
 * datagram SOCKET: sends OUT_PATHS as one datagram without an acknowledgement, like the hook of the Rust original. The
 * benchmark compares the hook with it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int count, char **words)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *paths = getenv("OUT_PATHS");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (count != 2 || paths == NULL || fd < 0 || strlen(words[1]) >= sizeof address.sun_path)
        return 1;
    strcpy(address.sun_path, words[1]);
    return sendto(fd, paths, strlen(paths), 0, (struct sockaddr *)&address, sizeof address) < 0;
}
