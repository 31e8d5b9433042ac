/* milenage.h - the Milenage functions (TS 35.205, 35.206) on AES-128 */
#pragma once

#include <stdint.h>

/* Any thread. 0, or -1 when the crypto library fails. All pointers 16 octets unless said. */
int milenage_opc(const uint8_t k[16], const uint8_t op[16], uint8_t opc[16]);
/* f1 and f1*: MAC-A and MAC-S, 8 octets each. sqn 6 octets, amf 2 octets. */
int milenage_f1(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
		const uint8_t sqn[6], const uint8_t amf[2], uint8_t mac_a[8], uint8_t mac_s[8]);
/* f2 to f5*: RES 8, CK 16, IK 16, AK 6, AK* 6 octets. */
int milenage_f2345(const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
		   uint8_t res[8], uint8_t ck[16], uint8_t ik[16], uint8_t ak[6],
		   uint8_t ak_star[6]);
