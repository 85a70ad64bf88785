/* Sockets of the network and of the file system, and pseudo-terminals. */
#define _GNU_SOURCE
#include "line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

/* A terminal that nobody reads fills up; after this long the rest is lost, as on a wire. */
#define TERMINAL_PATIENCE_MILLISECONDS 1000

static int listener = -1;
static int client = -1;
static bool is_terminal;
/* The socket in the file system, removed at the end. */
static struct sockaddr_un local = {.sun_family = AF_UNIX};

static bool fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return false;
}

static bool open_terminal(char *url, size_t url_bytes)
{
    struct termios raw;
    client = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (client < 0 || grantpt(client) != 0 || unlockpt(client) != 0)
        return fail("no pseudo-terminal");
    /* Kept open, so that the terminal outlives its clients. */
    int end = open(ptsname(client), O_RDWR | O_NOCTTY);
    if (end < 0 || tcgetattr(end, &raw) != 0)
        return fail("no pseudo-terminal");
    cfmakeraw(&raw);
    if (tcsetattr(end, TCSANOW, &raw) != 0)
        return fail("no raw pseudo-terminal");
    is_terminal = true;
    snprintf(url, url_bytes, "%s", ptsname(client));
    return true;
}

static bool open_socket(const char *where, char *url, size_t url_bytes)
{
    char host[256] = "127.0.0.1";
    const char *colon = strrchr(where, ':');
    const char *port = colon == NULL ? where : colon + 1;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *address;
    struct sockaddr_storage bound;
    socklen_t bound_bytes = sizeof bound;
    char number[NI_MAXSERV];
    int yes = 1;
    if (colon != NULL)
        snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
    if (getaddrinfo(host, port, &hints, &address) != 0) {
        fprintf(stderr, "cannot listen at %s\n", where);
        return false;
    }
    listener = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool listens = listener >= 0 && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0
                   && bind(listener, address->ai_addr, address->ai_addrlen) == 0 && listen(listener, 4) == 0
                   && getsockname(listener, (struct sockaddr *)&bound, &bound_bytes) == 0
                   && getnameinfo((struct sockaddr *)&bound, bound_bytes, NULL, 0, number, sizeof number,
                                  NI_NUMERICSERV) == 0;
    freeaddrinfo(address);
    if (!listens)
        return fail(where);
    snprintf(url, url_bytes, "tcp://%s:%s", host, number);
    return true;
}

static void remove_local(void)
{
    unlink(local.sun_path);
}

static bool open_local(const char *path, char *url, size_t url_bytes)
{
    if (strlen(path) >= sizeof local.sun_path) {
        fprintf(stderr, "%s is too long for a socket\n", path);
        return false;
    }
    strcpy(local.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&local, sizeof local) != 0)
        return fail(path);
    atexit(remove_local);
    if (listen(listener, 4) != 0)
        return fail(path);
    snprintf(url, url_bytes, "unix:%s", path);
    return true;
}

bool line_open(const char *where, char *url, size_t url_bytes)
{
    if (strcmp(where, "pty") == 0)
        return open_terminal(url, url_bytes);
    if (strncmp(where, "tcp:", 4) == 0)
        return open_socket(where + 4, url, url_bytes);
    if (strncmp(where, "unix:", 5) == 0 && where[5] != '\0')
        return open_local(where + 5, url, url_bytes);
    fprintf(stderr, "%s is neither tcp:PORT, tcp:HOST:PORT, unix:PATH nor pty\n", where);
    return false;
}

static void leave(void)
{
    close(client);
    client = -1;
}

static void accept_client(void)
{
    /* Readable text between delimiters is shown by every host. */
    static const char busy[] = "\0This board is in use by another client.\r\n";
    int yes = 1;
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    /* Whoever has hung up makes room at once, whatever it left unread: its session is over. */
    struct pollfd hung_up = {.fd = client, .events = POLLRDHUP};
    if (poll(&hung_up, 1, 0) > 0 && hung_up.revents != 0)
        leave();
    if (socket < 0)
        return;
    if (client >= 0) {
        /* Whether it takes the text or not, it has to go. */
        ssize_t written = send(socket, busy, sizeof busy, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)written;
        close(socket);
        return;
    }
    /* A local socket knows no such option, and needs none. */
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    client = socket;
}

int line_read(uint8_t *bytes, size_t most, int milliseconds)
{
    /* A descriptor below 0 is passed over. */
    struct pollfd waited[3] = {
        {.fd = most > 0 ? client : -1, .events = POLLIN},
        {.fd = listener, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    if (poll(waited, 3, milliseconds) <= 0)
        return 0;
    if (waited[2].revents != 0) {
        char ignored[64];
        if (read(STDIN_FILENO, ignored, sizeof ignored) == 0)
            return -1;
    }
    if (waited[1].revents != 0) {
        accept_client();
        return 0;
    }
    if (waited[0].revents == 0)
        return 0;
    ssize_t got = read(client, bytes, most);
    if (got > 0)
        return (int)got;
    if (!is_terminal && (got == 0 || (errno != EAGAIN && errno != EINTR)))
        leave();
    return 0;
}

static void send_all(const uint8_t *bytes, size_t length)
{
    while (client >= 0 && length > 0) {
        ssize_t put = is_terminal ? write(client, bytes, length) : send(client, bytes, length, MSG_NOSIGNAL);
        if (put > 0) {
            bytes += put;
            length -= (size_t)put;
        } else if (put < 0 && errno == EAGAIN) {
            struct pollfd waited = {.fd = client, .events = POLLOUT};
            if (poll(&waited, 1, TERMINAL_PATIENCE_MILLISECONDS) <= 0)
                return;
        } else if (put == 0 || errno != EINTR) {
            leave();
        }
    }
}

void line_write(const uint8_t *bytes, size_t length)
{
    /* The agent writes a frame in small groups; one packet for each would be mostly headers. */
    static uint8_t waiting[8192];
    static size_t waiting_bytes;
    while (length > 0) {
        size_t room = sizeof waiting - waiting_bytes;
        size_t piece = length < room ? length : room;
        memcpy(waiting + waiting_bytes, bytes, piece);
        waiting_bytes += piece;
        bytes += piece;
        length -= piece;
        /* A frame ends with a zero; one in front of a frame is sent alone, which does no harm. */
        if (waiting_bytes == sizeof waiting || waiting[waiting_bytes - 1] == 0) {
            send_all(waiting, waiting_bytes);
            waiting_bytes = 0;
        }
    }
}
