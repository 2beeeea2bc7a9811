#include "collector/private_address.hpp"

#include <array>
#include <cstdint>

namespace pawl::collector {

namespace {

namespace ip = boost::asio::ip;

struct Network {
    std::uint32_t base;
    int bits;
};

// IANA IPv4 Special-Purpose Address Registry, what is not globally reachable, and multicast.
constexpr std::array<Network, 14> special{{
    {0x00000000, 8},   // "this" network
    {0x0a000000, 8},   // 10/8
    {0x64400000, 10},  // 100.64/10, carrier NAT
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // 169.254/16, link-local: metadata services
    {0xac100000, 12},  // 172.16/12
    {0xc0000000, 24},  // 192.0.0/24
    {0xc0000200, 24},  // 192.0.2/24, documentation
    {0xc0a80000, 16},  // 192.168/16
    {0xc6120000, 15},  // 198.18/15, benchmarks
    {0xc6336400, 24},  // 198.51.100/24, documentation
    {0xcb007100, 24},  // 203.0.113/24, documentation
    {0xe0000000, 4},   // multicast
    {0xf0000000, 4},   // reserved, broadcast
}};

bool is_private_v4(std::uint32_t address) {
    for (const auto& network : special)
        if ((address >> (32 - network.bits)) == (network.base >> (32 - network.bits))) return true;
    return false;
}

std::uint32_t word(const ip::address_v6::bytes_type& bytes, std::size_t at) {
    return (std::uint32_t{bytes[at]} << 24) | (std::uint32_t{bytes[at + 1]} << 16) |
           (std::uint32_t{bytes[at + 2]} << 8) | std::uint32_t{bytes[at + 3]};
}

bool is_private_v6(const ip::address_v6& address) {
    const auto bytes = address.to_bytes();
    const auto first = word(bytes, 0);
    const auto second = word(bytes, 4);
    const auto third = word(bytes, 8);
    if (first == 0 && second == 0)
        return true;  // ::, ::1, ::ffff:a.b.c.d and the old ::a.b.c.d: none is public
    if (first == 0x0064ff9b && second == 0 && third == 0)
        return is_private_v4(word(bytes, 12));  // NAT64
    if (first == 0x0064ff9b) return true;       // local NAT64
    if ((first >> 16) == 0x2002) return is_private_v4((first << 16) | (second >> 16));  // 6to4
    if (first == 0x20010000) return true;                                               // Teredo
    if (first == 0x20010db8) return true;  // documentation
    return (first >> 29) !=
           1;  // outside 2000::/3 nothing is global: fc00::/7, fe80::/10, ff00::/8 …
}

}  // namespace

bool is_private(const ip::address& address) {
    if (address.is_v4()) return is_private_v4(address.to_v4().to_uint());
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return is_private_v4(word(v6.to_bytes(), 12));
    return is_private_v6(v6);
}

}  // namespace pawl::collector
