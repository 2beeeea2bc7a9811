#pragma once

#include <boost/asio/ip/address.hpp>

namespace pawl::collector {

/// True for addresses that are not on the public Internet: loopback, private, link-local (cloud
/// metadata services), shared, unique-local, reserved and multicast ones, also where an IPv4 one is
/// wrapped in an IPv6 one. Asked about the address a socket is about to connect to, so a name that
/// resolves differently later gains nothing.
[[nodiscard]] bool is_private(const boost::asio::ip::address& address);

}  // namespace pawl::collector
