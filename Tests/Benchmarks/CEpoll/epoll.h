/* epoll, which the system's own Swift module leaves out. */
#include <sys/epoll.h>
