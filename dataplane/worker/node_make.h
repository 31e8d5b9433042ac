/* node_make.h - the configuration as workers see it: addresses parsed, routes sorted, keys
 * drawn */
#pragma once

#include "conf/conf.h"
#include "role/node.h"

enum { NODE_ERROR_MAX = 512 };

/* The node with all memory its slices point into. */
struct node_memory {
	struct node node;
	struct route_table routes;
	char domain[16][CONF_NAME_MAX];
	char host[3][CONF_NAME_MAX];
	char scscf_uri[CONF_NAME_MAX];
	char visited_network[CONF_NAME_MAX];
	char route_user[ROUTES_MAX][64];
	char route_domain[ROUTES_MAX][CONF_NAME_MAX];
};

/* Main thread, at start, and once more into fresh memory to check a new configuration. Keys are
 * not made. False with a sentence in error that names the key of the configuration. */
bool node_make(const struct conf *c, struct node_memory *m, char error[NODE_ERROR_MAX]);
/* Main thread: at start, and at a reload while workers run. Bounds of registrations. */
void node_set_expires(struct node *n, const struct conf_control *c);
/* Reads the node's secret from key_file, or makes the file (mode 0600) with one from the
 * kernel; draws the key of branches. */
bool node_keys(const struct conf_dataplane *c, struct node *n, char error[NODE_ERROR_MAX]);
