"""Lists what is in EC2 with Amazon's own Python client, in the words that the gateway's `extensions` use.

Prints one JSON object: resources by ARN. Takes the address as its argument and the keys from the environment, as boto3 does.
"""

import json
import sys

import boto3

ENDPOINT, REGION, ACCOUNT = sys.argv[1:4]
ec2 = boto3.client("ec2", endpoint_url=ENDPOINT, region_name=REGION)
zones = {zone["ZoneName"]: zone["ZoneId"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]}
found = {}


def time(value):
    """A time as EC2 writes it."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.000Z") if value else None


def put(kind, native, owner, tags, **values):
    """Keeps a resource without what is not set."""
    arn = f"arn:aws:ec2:{REGION}:{owner}:{kind}/{native}"
    common = {
        "nativeId": arn,
        "accountId": owner,
        "region": REGION,
        "tags": {tag["Key"]: tag["Value"] for tag in tags or []},
    }
    found[arn] = {key: value for key, value in (common | values).items() if value not in (None, "", [])}


def pages(operation, key):
    """All items of an operation."""
    for page in ec2.get_paginator(operation).paginate():
        yield from page[key]


def addresses(one):
    """The addresses of an instance."""
    names = [
        ("InternalIP", "PrivateIpAddress"),
        ("InternalDNS", "PrivateDnsName"),
        ("ExternalIP", "PublicIpAddress"),
        ("IPv6", "Ipv6Address"),
    ]
    return [{"type": kind, "address": one[key]} for kind, key in names if one.get(key)]


def interface(one):
    """A network interface of an instance."""
    names = {
        "id": "NetworkInterfaceId",
        "type": "InterfaceType",
        "mac": "MacAddress",
        "subnetId": "SubnetId",
        "address": "PrivateIpAddress",
    }
    return {name: one[key] for name, key in names.items() if one.get(key)}


for reservation in pages("describe_instances", "Reservations"):
    for one in reservation["Instances"]:
        if one["State"]["Name"] == "terminated":
            continue
        placement, cpu = one.get("Placement", {}), one.get("CpuOptions", {})
        put(
            "instance",
            one["InstanceId"],
            reservation["OwnerId"],
            one.get("Tags"),
            instanceId=one["InstanceId"],
            instanceType=one["InstanceType"],
            state=one["State"]["Name"],
            zoneId=zones[placement["AvailabilityZone"]],
            architecture=one.get("Architecture"),
            platform=one.get("Platform"),
            imageId=one.get("ImageId"),
            startedAt=time(one.get("LaunchTime")),
            lifecycle=one.get("InstanceLifecycle"),
            tenancy=placement.get("Tenancy"),
            hostId=placement.get("HostId"),
            placementGroup=placement.get("GroupName"),
            capacityReservationId=one.get("CapacityReservationId"),
            cores=cpu.get("CoreCount"),
            threadsPerCore=cpu.get("ThreadsPerCore"),
            vpcId=one.get("VpcId"),
            subnetId=one.get("SubnetId"),
            addresses=addresses(one),
            interfaces=[interface(each) for each in one.get("NetworkInterfaces", [])],
            volumes=[
                {"device": each["DeviceName"], "volumeId": each["Ebs"]["VolumeId"]}
                for each in one.get("BlockDeviceMappings", [])
                if each.get("Ebs", {}).get("VolumeId")
            ],
        )
for one in pages("describe_hosts", "Hosts"):
    facts = one.get("HostProperties", {})
    put(
        "dedicated-host",
        one["HostId"],
        one.get("OwnerId") or ACCOUNT,
        one.get("Tags"),
        hostId=one["HostId"],
        state=one.get("State"),
        zoneId=zones.get(one.get("AvailabilityZone")),
        sockets=facts.get("Sockets"),
        cores=facts.get("Cores"),
        vcpus=facts.get("TotalVCpus"),
        instanceFamily=facts.get("InstanceFamily"),
        instanceType=facts.get("InstanceType"),
        instances=sorted(each["InstanceId"] for each in one.get("Instances", [])),
        autoPlacement=one.get("AutoPlacement"),
        hostRecovery=one.get("HostRecovery"),
        allowsMultipleInstanceTypes=one.get("AllowsMultipleInstanceTypes"),
        createdAt=time(one.get("AllocationTime")),
    )
for one in pages("describe_vpcs", "Vpcs"):
    put(
        "vpc",
        one["VpcId"],
        one["OwnerId"],
        one.get("Tags"),
        vpcId=one["VpcId"],
        state=one.get("State"),
        cidrBlock=one.get("CidrBlock"),
        cidrBlocks=[each["CidrBlock"] for each in one.get("CidrBlockAssociationSet", [])],
        ipv6CidrBlocks=[each["Ipv6CidrBlock"] for each in one.get("Ipv6CidrBlockAssociationSet", [])],
        default=one.get("IsDefault"),
        tenancy=one.get("InstanceTenancy"),
    )
for one in pages("describe_subnets", "Subnets"):
    put(
        "subnet",
        one["SubnetId"],
        one["OwnerId"],
        one.get("Tags"),
        subnetId=one["SubnetId"],
        vpcId=one.get("VpcId"),
        state=one.get("State"),
        zoneId=one.get("AvailabilityZoneId"),
        cidrBlock=one.get("CidrBlock"),
        ipv6CidrBlocks=[each["Ipv6CidrBlock"] for each in one.get("Ipv6CidrBlockAssociationSet", [])],
        ipv6Only=one.get("Ipv6Native"),
        default=one.get("DefaultForAz"),
        publicAddresses=one.get("MapPublicIpOnLaunch"),
    )
for one in pages("describe_volumes", "Volumes"):
    put(
        "volume",
        one["VolumeId"],
        ACCOUNT,
        one.get("Tags"),
        volumeId=one["VolumeId"],
        state=one.get("State"),
        zoneId=zones[one["AvailabilityZone"]],
        sizeGiB=one.get("Size"),
        iops=one.get("Iops"),
        throughputMiBps=one.get("Throughput"),
        encrypted=one.get("Encrypted"),
        multiAttach=one.get("MultiAttachEnabled"),
        snapshotId=one.get("SnapshotId"),
        attachments=[
            {"instanceId": each["InstanceId"], "device": each["Device"], "state": each["State"]}
            for each in one.get("Attachments", [])
        ],
        createdAt=time(one.get("CreateTime")),
    )
json.dump(found, sys.stdout)
