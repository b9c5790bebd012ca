"""Makes the Python that runs it one without what only POSIX systems have; then runs the doctor, or whatever standard input says.

    python -I -c "$(cat tests/desk.py)" WORDS...

Real Windows and macOS are not here: what they lack is taken away before anything of ours is imported, in each process.
"""

import os
import select
import signal
import sys

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline", "crypt", "spwd", "nis")
OF_OS = (
    "fork forkpty killpg setsid getuid geteuid getgid getegid setuid setgid setgroups getgroups initgroups getloadavg "
    "sched_getaffinity sched_setaffinity pread pwrite posix_spawn mkfifo mknod getpgid setpgid getpgrp wait3 wait4 uname chown "
    "fchmod fchown lchown sysconf confstr register_at_fork nice ctermid statvfs getresuid getpriority setresuid pidfd_open "
    "O_NONBLOCK O_CLOEXEC O_NOFOLLOW O_DIRECTORY O_PATH O_NOCTTY O_SYNC"
)
OF_SIGNAL = (
    "SIGKILL SIGHUP SIGALRM SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGQUIT SIGTSTP SIGCONT SIGSTOP SIGBUS SIGTTIN SIGTTOU alarm "
    "setitimer getitimer pthread_sigmask pthread_kill sigwait sigpending pause siginterrupt"
)


class Missing:
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Missing())
for module in MODULES:
    sys.modules.pop(module, None)
for holder, names in ((os, OF_OS), (signal, OF_SIGNAL), (select, "poll epoll kqueue")):
    for name in names.split():
        if hasattr(holder, name):
            delattr(holder, name)
sys.executable = os.environ.get("DESK_PYTHON", sys.executable)  # of the processes that it starts
if sys.argv[1:2] == ["--list"]:  # our modules that such a run imports, at its end
    del sys.argv[1]
    import atexit

    def told() -> None:
        sys.stderr.write("".join(f"{name}\n" for name in sorted(sys.modules) if name.startswith("retina_doctor")))

    atexit.register(told)
if sys.argv[1:2] == ["--run"]:  # what stands in a file; standard input is the program's own
    import pathlib

    exec(pathlib.Path(sys.argv[2]).read_text())
elif sys.argv[1:]:
    sys.argv[0] = "retina-doctor"
    from retina_doctor.main import main

    main()
else:
    exec(sys.stdin.read())
