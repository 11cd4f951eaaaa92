/* islec.c - the program of command.h. */
#include "command.h"

int main(int argc, char **argv)
{
    return dv_isle_command(argc, argv, stdout, stderr);
}
