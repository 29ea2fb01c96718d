package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// furnish sets properties that the simulator leaves alone, each to another value per object, so that a reader that mixes
// two up is seen.
func furnish(m *simulator.Model) {
	for i, one := range m.Map().All("HostSystem") {
		furnishHost(i, one.(*simulator.HostSystem))
	}
	for i, one := range m.Map().All("Datastore") {
		summary := &one.(*simulator.Datastore).Summary
		summary.MaintenanceMode = []string{"normal", "enteringMaintenance", "inMaintenance"}[i%3]
		summary.MultipleHostAccess = types.NewBool(i%2 == 0)
	}
	for i, one := range m.Map().All("ResourcePool") {
		pool := one.(*simulator.ResourcePool)
		n := int64(i + 1)
		pool.Config.CpuAllocation.Reservation, pool.Config.CpuAllocation.Limit = types.NewInt64(100*n), types.NewInt64(1000*n)
		pool.Config.MemoryAllocation.Reservation, pool.Config.MemoryAllocation.Limit = types.NewInt64(64*n), types.NewInt64(640*n)
	}
	for i, one := range m.Map().All("VirtualMachine") {
		furnishMachine(i, one.(*simulator.VirtualMachine))
	}
}

func furnishHost(i int, host *simulator.HostSystem) {
	hardware := *host.Hardware
	system := hardware.SystemInfo
	mark := func(key string) types.HostSystemIdentificationInfo {
		return types.HostSystemIdentificationInfo{
			IdentifierValue: fmt.Sprintf(" %s <%d> & more ", key, i),
			IdentifierType:  &types.ElementDescription{Key: key},
		}
	}
	system.OtherIdentifyingInfo = []types.HostSystemIdentificationInfo{mark("OemSpecificString"), mark("AssetTag"), mark("EnclosureSerialNumberTag")}
	system.SerialNumber = ""
	// The number of a machine is told in one of several ways, or not at all.
	switch i % 4 {
	case 0:
		system.SerialNumber = fmt.Sprintf("SN-%d", i)
		system.OtherIdentifyingInfo = append(system.OtherIdentifyingInfo, mark("ServiceTag"), mark("SerialNumberTag"))
	case 1:
		system.OtherIdentifyingInfo = append(system.OtherIdentifyingInfo, mark("ServiceTag"))
	case 2:
		system.OtherIdentifyingInfo = append(system.OtherIdentifyingInfo, mark("SerialNumberTag"))
	}
	hardware.SystemInfo = system
	released := time.Date(2026, 1, i+1, 0, 0, 0, 0, time.UTC)
	hardware.BiosInfo = &types.HostBIOSInfo{BiosVersion: fmt.Sprintf("2.%d.0", i), ReleaseDate: &released}
	host.Hardware = &hardware

	summary := host.Summary.Hardware
	summary.Vendor, summary.Model = "Maker & Sons", fmt.Sprintf("Edge %d", i%2)
	summary.CpuModel, summary.CpuMhz = fmt.Sprintf("Xeon(R) <%d>", i), int32(2000+i)
	summary.NumCpuPkgs, summary.NumCpuCores, summary.NumCpuThreads = 2, int16(64+i), int16(128+i)
	summary.MemorySize, summary.NumNics, summary.NumHBAs = int64(256+i)<<30, int32(4+i), int32(1+i)

	product := host.Config.Product
	product.Name, product.Version, product.Build = fmt.Sprintf("VMware ESXi %d", i), "8.0.3", fmt.Sprint(24022510+i)
	host.Config.Product = product
	host.Config.Network.Pnic = nil
	for _, n := range []int{1, 0, 2} {
		host.Config.Network.Pnic = append(host.Config.Network.Pnic, types.PhysicalNic{
			Key: fmt.Sprintf("key-vim.host.PhysicalNic-vmnic%d", n), Device: fmt.Sprintf("vmnic%d", n), Driver: fmt.Sprintf("driver%d", n),
			Pci: fmt.Sprintf("0000:0%d:00.0", n), Mac: fmt.Sprintf("02:00:00:00:%02x:%02x", i, n),
		})
	}
	host.Runtime.InMaintenanceMode = i%2 == 1
	host.Runtime.ConnectionState = []types.HostSystemConnectionState{"connected", "notResponding", "disconnected"}[i%3]
	host.Runtime.PowerState = []types.HostSystemPowerState{"poweredOn", "standBy", "unknown"}[i%3]
}

func furnishMachine(i int, machine *simulator.VirtualMachine) {
	machine.Config.Hardware.NumCPU, machine.Config.Hardware.MemoryMB = int32(2+i), int32(1024*(i%3)+512*(i%2)+1024)
	machine.Config.GuestId, machine.Config.GuestFullName = fmt.Sprintf("guest%d", i), fmt.Sprintf("Guest <%d> & more", i)
	machine.Summary.Config.NumEthernetCards, machine.Summary.Config.NumVirtualDisks = int32(1+i), int32(40-i)
	machine.Config.InstanceUuid = strings.ToUpper(machine.Config.InstanceUuid)
	machine.Runtime.ConnectionState = []types.VirtualMachineConnectionState{"connected", "inaccessible", "orphaned"}[i%3]
	machine.Runtime.PowerState = []types.VirtualMachinePowerState{"poweredOn", "poweredOff", "suspended"}[i%3]
	if i == 0 {
		machine.Config.Template, machine.ResourcePool = true, nil
		machine.Name = `cu%2fdu%5c100%25`
	}
}
