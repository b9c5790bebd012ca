/* A libnvidia-ml.so.1 that answers from environment variables: for the real pynvml, without a GPU.
   Layouts and numbers are nvml.h's. Unset variables mean one healthy Tesla T4.
   STANDIN_INIT: nvmlReturn_t of nvmlInit, or "hang". STANDIN_COUNT, STANDIN_DRIVER, STANDIN_CUDA (13000), STANDIN_NAME,
   STANDIN_CAPABILITY (75), STANDIN_LOST: index of a device that answers GPU_IS_LOST. STANDIN_OLD: no memory info v2.
   STANDIN_PID, STANDIN_USED: a process on device 0 and its bytes. STANDIN_MIG: 0 or 1, unset: not supported;
   STANDIN_INSTANCES: MIG instances (1). STANDIN_WHOLE: index of a card that is not divided. STANDIN_MODE: compute mode. STANDIN_CLOCKS: clock-event reasons (bits).
   STANDIN_ECC: uncorrected errors. STANDIN_REMAP: "pending" or "failed". STANDIN_MEMORY: nvmlReturn_t of memory info.
   STANDIN_NVML_CUDA: what it says of CUDA, where that is not what libcuda says (13000).
   STANDIN_HELD: a folder in which the stand-in of the CUDA runtime writes what processes hold of device 0; those that live. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, FUNCTION_NOT_FOUND = 13, GPU_IS_LOST = 15 };
typedef struct { int index; } device;
static device devices[16];

static const char *text(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value ? value : otherwise;
}
static unsigned long long number(const char *name, unsigned long long otherwise) {
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 10) : otherwise;
}
static int copy(char *to, unsigned size, const char *from) {
    snprintf(to, size, "%s", from);
    return SUCCESS;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    if (!strcmp(text("STANDIN_INIT", ""), "hang")) for (;;) pause();
    return (int)number("STANDIN_INIT", SUCCESS);
}
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { (void)code; return "an error of the stand-in"; }
int nvmlSystemGetDriverVersion(char *to, unsigned size) { return copy(to, size, text("STANDIN_DRIVER", "580.95.05")); }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = (int)number("STANDIN_NVML_CUDA", number("STANDIN_CUDA", 13000)); return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = (unsigned)number("STANDIN_COUNT", 1); return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device **handle) {
    if (index >= number("STANDIN_COUNT", 1) || index >= 16) return INVALID_ARGUMENT;
    if (index == number("STANDIN_LOST", 99)) return GPU_IS_LOST;
    devices[index].index = (int)index;
    *handle = &devices[index];
    return SUCCESS;
}
int nvmlDeviceGetName(device *d, char *to, unsigned size) { (void)d; return copy(to, size, text("STANDIN_NAME", "Tesla T4")); }
int nvmlDeviceGetUUID(device *d, char *to, unsigned size) {
    snprintf(to, size, "GPU-0000000%d-1111-2222-3333-444444444444", d->index);
    return SUCCESS;
}
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci_info;
int nvmlDeviceGetPciInfo_v3(device *d, pci_info *info) {
    memset(info, 0, sizeof *info);
    snprintf(info->bus_id, sizeof info->bus_id, "00000000:00:%02X.0", 0x1e + d->index);
    return SUCCESS;
}
#define MIB 1048576ULL
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process_info;
/* The processes on a device, at most *most* of them written to *to*; their bytes added to *sum*. Returns their number. */
static unsigned processes(device *d, process_info *to, unsigned most, unsigned long long *sum) {
    unsigned found = 0;
    *sum = d->index == 0 ? number("STANDIN_USED", 0) : 0;
    if (d->index != 0) return 0;
    if (getenv("STANDIN_PID")) {
        if (found < most) { to[found].pid = (unsigned)number("STANDIN_PID", 0); to[found].used = number("STANDIN_USED", 0); }
        found++;
    }
    DIR *folder = getenv("STANDIN_HELD") ? opendir(getenv("STANDIN_HELD")) : NULL;
    for (struct dirent *one; folder && (one = readdir(folder));) {
        int pid = atoi(one->d_name);
        if (pid <= 0 || kill(pid, 0)) continue;
        char path[4096], bytes[32] = "";
        snprintf(path, sizeof path, "%s/%d", getenv("STANDIN_HELD"), pid);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        unsigned long long used = fgets(bytes, sizeof bytes, file) ? strtoull(bytes, NULL, 10) : 0;
        fclose(file);
        if (found < most) { to[found].pid = (unsigned)pid; to[found].used = used; }
        found++;
        *sum += used;
    }
    if (folder) closedir(folder);
    return found;
}
static unsigned long long used_of(device *d) { unsigned long long sum; processes(d, NULL, 0, &sum); return sum; }
typedef struct { unsigned long long total, free, used; } memory;
int nvmlDeviceGetMemoryInfo(device *d, memory *m) {
    if (number("STANDIN_MEMORY", 0)) return (int)number("STANDIN_MEMORY", 0);
    m->total = 15360 * MIB; m->used = 449 * MIB + used_of(d); m->free = m->total - m->used;
    return SUCCESS;
}
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;
int nvmlDeviceGetMemoryInfo_v2(device *d, memory_v2 *m) {
    if (getenv("STANDIN_OLD")) return FUNCTION_NOT_FOUND;
    if (number("STANDIN_MEMORY", 0)) return (int)number("STANDIN_MEMORY", 0);
    m->total = 15360 * MIB; m->reserved = 449 * MIB; m->used = used_of(d);
    m->free = m->total - m->used - m->reserved;
    return SUCCESS;
}
int nvmlDeviceGetCudaComputeCapability(device *d, int *major, int *minor) {
    (void)d;
    *major = (int)number("STANDIN_CAPABILITY", 75) / 10; *minor = (int)number("STANDIN_CAPABILITY", 75) % 10;
    return SUCCESS;
}
int nvmlDeviceGetComputeMode(device *d, unsigned *mode) { (void)d; *mode = (unsigned)number("STANDIN_MODE", 0); return SUCCESS; }
int nvmlDeviceGetCurrentClocksEventReasons(device *d, unsigned long long *bits) { (void)d; *bits = number("STANDIN_CLOCKS", 1); return SUCCESS; }
int nvmlDeviceGetTemperature(device *d, unsigned sensor, unsigned *celsius) { (void)d; (void)sensor; *celsius = 54; return SUCCESS; }
int nvmlDeviceGetTotalEccErrors(device *d, unsigned kind, unsigned counter, unsigned long long *count) {
    (void)d; (void)kind; (void)counter;
    *count = number("STANDIN_ECC", 0);
    return SUCCESS;
}
int nvmlDeviceGetRemappedRows(device *d, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed) {
    (void)d;
    *corrected = *uncorrected = 0;
    *pending = !strcmp(text("STANDIN_REMAP", ""), "pending");
    *failed = !strcmp(text("STANDIN_REMAP", ""), "failed");
    return SUCCESS;
}
int nvmlDeviceGetMigMode(device *d, unsigned *current, unsigned *pending) {
    if (!getenv("STANDIN_MIG")) return NOT_SUPPORTED;
    *current = *pending = (unsigned)number("STANDIN_MIG", 0) && (unsigned)d->index != number("STANDIN_WHOLE", 99);
    return SUCCESS;
}
int nvmlDeviceGetMaxMigDeviceCount(device *d, unsigned *count) { (void)d; *count = 2; return SUCCESS; }
int nvmlDeviceGetMigDeviceHandleByIndex(device *d, unsigned index, device **handle) {
    (void)d;
    if (index >= number("STANDIN_INSTANCES", 1)) return NOT_FOUND;
    devices[15].index = 9;
    *handle = &devices[15];
    return SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(device *d, unsigned *count, process_info *to) {
    unsigned long long sum;
    unsigned there = processes(d, to, *count, &sum), room = *count;
    *count = there;
    return there > room ? INSUFFICIENT_SIZE : SUCCESS;
}
