//! Dedicated hosts and capacity reservations -> resources.

use super::kind::{Sort, TypeKey};
use super::{Here, Member, Pairs, Parts, described, member, pool};
use crate::wire::capacity::{CapacityReservation, Host};
use netweave_model::Result;

/// Whether a host is gone; it is still listed for a while.
pub(crate) fn host_is_gone(host: &Host) -> bool {
    matches!(host.state.as_str(), "released" | "released-permanent-failure")
}

/// Whether a reservation is gone; it is still listed for a while.
pub(crate) fn reservation_is_gone(reservation: &CapacityReservation) -> bool {
    matches!(reservation.state.as_str(), "expired" | "cancelled" | "failed")
}

/// Maps a dedicated host: a machine with sockets and cores.
pub(crate) fn host(here: &Here<'_>, host: &Host) -> Result<Member> {
    let properties = &host.host_properties;
    let family = properties.instance_family.as_deref().filter(|family| !family.is_empty());
    let family = family.or_else(|| properties.instance_type.as_deref()?.split('.').next());
    let mut guests: Vec<&str> = host.instances.items.iter().map(|guest| guest.instance_id.as_str()).collect();
    guests.sort_unstable();
    let zone = (host.availability_zone_id.as_deref(), host.availability_zone.as_deref());
    let extensions = Pairs::new()
        .common(here, &host.owner_id, &host.tag_set)
        .put("hostId", &host.host_id)
        .put("state", &host.state)
        .put("zoneId", here.zones.find(zone.0, zone.1).map(|zone| &zone.zone_id))
        .put("sockets", properties.sockets)
        .put("cores", properties.cores)
        .put("vcpus", properties.total_vcpus)
        .put("instanceFamily", &properties.instance_family)
        .put("instanceType", &properties.instance_type)
        .put("instances", guests)
        .put("autoPlacement", &host.auto_placement)
        .put("hostRecovery", &host.host_recovery)
        .put("allowsMultipleInstanceTypes", &host.allows_multiple_instance_types)
        .put("createdAt", &host.allocation_time);
    member(
        here.scope,
        Parts {
            native: here.arn(&host.owner_id, &format!("dedicated-host/{}", host.host_id)),
            pool: pool::of_zone(here, zone.0, zone.1),
            kind: TypeKey::new(Sort::Host, family.unwrap_or_default()),
            description: described("Dedicated host", &host.host_id, &host.tag_set),
            groups: Vec::new(),
            extensions: extensions.0,
        },
    )
}

/// Maps a capacity reservation.
pub(crate) fn reservation(here: &Here<'_>, reservation: &CapacityReservation) -> Result<Member> {
    let zone = (reservation.availability_zone_id.as_deref(), reservation.availability_zone.as_deref());
    let extensions = Pairs::new()
        .common(here, &reservation.owner_id, &reservation.tag_set)
        .put("capacityReservationId", &reservation.capacity_reservation_id)
        .put("state", &reservation.state)
        .put("zoneId", here.zones.find(zone.0, zone.1).map(|zone| &zone.zone_id))
        .put("instanceType", &reservation.instance_type)
        .put("platform", &reservation.instance_platform)
        .put("tenancy", &reservation.tenancy)
        .put("instanceCount", reservation.total_instance_count)
        .put("availableInstanceCount", reservation.available_instance_count)
        .put("matchCriteria", &reservation.instance_match_criteria)
        .put("createdAt", &reservation.create_date)
        .put("endsAt", &reservation.end_date);
    let id = &reservation.capacity_reservation_id;
    member(
        here.scope,
        Parts {
            native: here.arn(&reservation.owner_id, &format!("capacity-reservation/{id}")),
            pool: pool::of_zone(here, zone.0, zone.1),
            kind: TypeKey::new(Sort::CapacityReservation, &reservation.instance_type),
            description: described("Capacity reservation", id, &reservation.tag_set),
            groups: Vec::new(),
            extensions: extensions.0,
        },
    )
}
