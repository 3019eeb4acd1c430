//! Which addresses belong to the public internet. Pure: tables of networks. Knows nothing of names, which are
//! looked up before.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are not public (IANA's special-purpose registry), with the length of their prefix.
const V4: &[([u8; 4], u32, &str)] = &[
    ([0, 0, 0, 0], 8, "means this host"),
    ([10, 0, 0, 0], 8, "is private"),
    ([100, 64, 0, 0], 10, "is shared by customers of a provider"),
    ([127, 0, 0, 0], 8, "is this machine"),
    ([169, 254, 0, 0], 16, "is link-local"),
    ([172, 16, 0, 0], 12, "is private"),
    ([192, 0, 0, 0], 24, "is set aside for protocols"),
    ([192, 0, 2, 0], 24, "is for documentation"),
    ([192, 88, 99, 0], 24, "is a relay to IPv6"),
    ([192, 168, 0, 0], 16, "is private"),
    ([198, 18, 0, 0], 15, "is for measurements"),
    ([198, 51, 100, 0], 24, "is for documentation"),
    ([203, 0, 113, 0], 24, "is for documentation"),
    ([224, 0, 0, 0], 4, "is multicast"),
    ([240, 0, 0, 0], 4, "is reserved"),
];

/// What of IPv6 is public at all: `2000::/3`. Loopback, private, link-local, multicast, IPv4-mapped and NAT64
/// addresses lie outside.
const V6_PUBLIC: (u128, u32) = (0x2000 << 112, 3);

/// Networks within it that are not.
const V6: &[(u128, u32, &str)] = &[
    (0x2001 << 112, 23, "is set aside for protocols"),
    (0x2001_0db8 << 96, 32, "is for documentation"),
    (0x2002 << 112, 16, "is a tunnel to IPv4"),
    (0x3fff << 112, 20, "is for documentation"),
];

/// Why an address must not be asked, as the end of "the address …"; `None` when it is public.
pub(super) fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let holds = |network: [u8; 4], prefix: u32| (bits ^ u32::from_be_bytes(network)) >> (32 - prefix) == 0;
    V4.iter().find(|(network, prefix, _)| holds(*network, *prefix)).map(|(_, _, why)| *why)
}

fn v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let holds = |network: u128, prefix: u32| (bits ^ network) >> (128 - prefix) == 0;
    if !holds(V6_PUBLIC.0, V6_PUBLIC.1) {
        return Some("is not public");
    }
    V6.iter().find(|(network, prefix, _)| holds(*network, *prefix)).map(|(_, _, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(address: &str) -> bool {
        refusal(address.parse().expect(address)).is_some()
    }

    #[test]
    fn what_is_not_public_is_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff:fff::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_refused(address), "{address}");
        }
    }

    #[test]
    fn public_ones_are_not() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:db9::1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "3fff:1000::1",
        ] {
            assert!(!is_refused(address), "{address}");
        }
    }
}
