/* flow.h - steering by the NIC: the UDP port of worker i to the receive queue of worker i */
#pragma once

#include "net/net.h"

/* Main thread, once all ports are started. True if every port took every rule; otherwise none
 * is left, and software hands messages over. With CONF_STEER_SOFTWARE, or one worker, nothing
 * is tried. */
bool flow_steer(struct net *n, enum conf_steering steering);
