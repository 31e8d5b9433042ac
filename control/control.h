/* control.h - the parts of saker-control that procedures work with */
#pragma once

struct conf;
struct ev_loop;
struct link;
struct exchanges;
struct registrations;
struct sas;
struct installer;
struct persist;
struct cx_client;
struct registrar;
struct locator;
struct outbound;
struct helds;
struct proxy_auths;
struct sessions;
struct charging;
struct offers;
struct policy;
struct signalling;
struct reg_events;
struct services;
struct servers;
struct owed;
struct unregistereds;
struct watchers;
struct ways;

struct control {
	struct conf *conf;
	struct ev_loop *loop;
	struct link *link;
	struct exchanges *exchanges;
	struct registrations *registrations;
	struct sas *sas; /* security associations with UEs */
	struct installer *installer;
	struct persist *persist;
	struct cx_client *cx; /* NULL where neither I-CSCF nor S-CSCF runs */
	struct registrar *registrar;
	struct helds *helds; /* requests that wait for what follows */
	struct locator *locator;
	struct outbound *outbound; /* ways out of the network, */
	struct ways *ways;         /* and what an operator asks of them */
	struct proxy_auths *proxy_auths;
	struct reg_events *reg_events;       /* subscriptions to registrations */
	struct services *services;           /* their profiles; NULL where no S-CSCF runs */
	struct servers *servers;             /* Application Servers; NULL as services */
	struct owed *owed;                   /* what they have not heard; NULL as services */
	struct unregistereds *unregistereds; /* served so; NULL as services */
	struct watchers *watchers;           /* a P-CSCF's own, at other S-CSCFs */
	struct offers *offers;               /* session descriptions, as they pass */
	struct charging *charging;           /* NULL where nothing is charged */
	struct policy *policy;               /* resources; NULL where nobody is asked */
	struct signalling *signalling;       /* bearers under registrations; NULL as policy */
	struct sessions *sessions;           /* of the users we are S-CSCF of */
};
