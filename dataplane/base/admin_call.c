/* admin_call.c - the client's side of the Unix socket: one question, one answer */
#include "base/admin_call.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ERROR_MAX = 256,
	ANSWER_MAX = 256 << 20,
	SILENCE_MAX_S =
		120, /* an import of many subscribers takes its time before the answer */
};

static void explain_connect(const char *path, char *error)
{
	int why = errno;
	struct stat st;

	if (why == ENOENT) {
		snprintf(error, ERROR_MAX,
			 "no socket %s: start the daemon, or name its directory with "
			 "--runtime-dir",
			 path);
	} else if (why == ECONNREFUSED) {
		snprintf(error, ERROR_MAX, "nobody answers on %s: start the daemon again",
			 path);
	} else if (why == EACCES) {
		struct group *g = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;
		snprintf(error, ERROR_MAX, "may not use %s: join the group %s, or be root",
			 path, g ? g->gr_name : "of its directory");
	} else {
		snprintf(error, ERROR_MAX, "cannot reach %s: %s", path, strerror(why));
	}
}

static int connect_to(const char *path, char *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval silence = {.tv_sec = SILENCE_MAX_S};

	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(error, ERROR_MAX,
			 "%.120s...: too long for a socket; shorten runtime-dir", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence)) == 0)
		return fd;
	explain_connect(path, error);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Whether all was sent does not matter: a daemon that refuses says why in its answer. */
static void send_request(int fd, int n_words, const char *const *word, struct slice payload)
{
	bool sent = true;

	for (int i = 0; i < n_words && sent; i++)
		sent = send_all(fd, word[i], strlen(word[i]) + 1);
	if (sent && send_all(fd, "", 1))
		send_all(fd, payload.p, payload.len);
	shutdown(fd, SHUT_WR);
}

static char *receive_answer(int fd, const char *path, size_t *len, char *error)
{
	size_t cap = 4096;
	char *answer = malloc(cap);

	*len = 0;
	while (answer && *len < ANSWER_MAX) {
		if (cap - *len < 2) {
			char *larger = realloc(answer, 2 * cap);
			if (!larger)
				break;
			answer = larger;
			cap *= 2;
		}
		ssize_t n = recv(fd, answer + *len, cap - *len - 1, 0);
		if (n > 0) {
			*len += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* A daemon that refused before it read everything resets the connection. */
		if (*len && (n == 0 || errno == ECONNRESET)) {
			answer[*len] = 0;
			return answer;
		}
		snprintf(error, ERROR_MAX,
			 "no answer from %s%s: look into the log of the daemon", path,
			 n < 0 && errno == EAGAIN ? " in time" : "");
		free(answer);
		return NULL;
	}
	snprintf(error, ERROR_MAX, "the answer from %s is too large: ask for less", path);
	free(answer);
	return NULL;
}

char *admin_call(const char *path, int n_words, const char *const *word, struct slice payload,
		 size_t *len, char *error)
{
	if (n_words < 1 || n_words > ADMIN_WORDS_MAX) {
		snprintf(error, ERROR_MAX, "a command has 1 to %d words", ADMIN_WORDS_MAX);
		return NULL;
	}
	for (int i = 0; i < n_words; i++) {
		if (!word[i][0]) {
			snprintf(error, ERROR_MAX, "word %d of the command is empty", i + 1);
			return NULL;
		}
	}
	int fd = connect_to(path, error);
	if (fd < 0)
		return NULL;
	send_request(fd, n_words, word, payload);
	char *answer = receive_answer(fd, path, len, error);
	close(fd);
	return answer;
}
