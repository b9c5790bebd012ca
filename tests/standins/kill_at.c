/* Preloaded into the doctor: kills it (SIGKILL) when its fsync number KILL_AT has returned, and nothing that it starts. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int at, count;
__attribute__((constructor)) static void read_it(void) {
    const char *told = getenv("KILL_AT");
    at = told ? atoi(told) : 0;
    /* The launcher and the shells before it are no doctor: only what has begun to write a journal counts. */
}
int fsync(int file) {
    int done = (int)syscall(SYS_fsync, file);
    if (at && ++count == at) kill(getpid(), SIGKILL);
    return done;
}
