/* user.c - a user's program: the headers it sees and the library it runs with are the same version.
 */
#include <davit/davit.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    printf("Davit %s\n", davit_version());
    return strcmp(davit_version(), DAVIT_VERSION_STRING) == 0 ? 0 : 1;
}
