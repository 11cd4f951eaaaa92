/* Standard input to standard output, to the end; what was read to standard error. With an argument: writes until that
 * fails, and tells which error it was. */
#include <errno.h>
#include <unistd.h>

#include "check.h"

int main(int argc, char **argv)
{
    char buffer[5000];
    unsigned long total = 0;
    (void)argv;
    if (argc > 1) {
        while (write(1, buffer, sizeof buffer) > 0) {
        }
        fprintf(stderr, "%s\n", errno == EPIPE ? "EPIPE" : strerror(errno));
        return errno == EPIPE ? 0 : 1;
    }
    for (;;) {
        ssize_t got = read(0, buffer, sizeof buffer);
        if (got <= 0) {
            fprintf(stderr, "%lu bytes\n", total);
            return got < 0;
        }
        total += (unsigned long)got;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(1, buffer + done, (size_t)(got - done));
            if (put <= 0) {
                return 1;
            }
            done += put;
        }
    }
}
