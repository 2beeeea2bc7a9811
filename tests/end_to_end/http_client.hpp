#pragma once

#include <map>
#include <string>

namespace pawl::test {

struct HttpReply {
    int status = 0;
    std::string body;
    std::string location;  ///< of the header; "" : none
};
/// GET of an http:// URL on a connection of its own. Blocks. Throws boost::system::system_error.
[[nodiscard]] HttpReply http_get(const std::string& url, const std::map<std::string, std::string>& headers = {});
/// The same with a method ("POST", "PUT" …) and a body.
HttpReply http_send(const std::string& method, const std::string& url, const std::string& body,
                    const std::map<std::string, std::string>& headers = {});

}  // namespace pawl::test
