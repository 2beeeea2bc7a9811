#include "core/json_projection.hpp"

namespace pawl::core {

JsonProjection& JsonProjection::member(std::string_view name) {
    for (auto& [known, projection] : members_)
        if (known == name) return *projection;
    marks_ |= mark(name);
    return *members_.emplace_back(name, std::make_unique<JsonProjection>()).second;
}

JsonProjection& JsonProjection::every_child() {
    if (!every_) every_ = std::make_unique<JsonProjection>();
    rest_ = every_.get();
    return *every_;
}

void JsonProjection::settle() {
    for (auto& [name, projection] : members_) {
        if (every_) projection->add(*every_);
        projection->settle();
    }
    if (every_) every_->settle();
}

void JsonProjection::add(const JsonProjection& other) {
    for (const auto& [name, projection] : other.members_) member(name).add(*projection);
    if (other.every_) every_child().add(*other.every_);
}

}  // namespace pawl::core
